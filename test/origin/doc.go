// Package origin is an HTTP/1.1 origin that misbehaves on demand, for tests of caches over real sockets.
//
// It writes its answers byte by byte itself, so that every malformation is possible. Each object is a harness.Truth,
// which its path and size alone decide: many GiB cost no memory, and a test knows every byte that is right.
//
// # Paths
//
// A path says what happens to it: one segment that begins with "~" names a fault and its parameters,
//
//	/~cut-close/a.bin
//	/images/~cut-close,at=1MiB,size=64MiB/a.bin
//
// and any other path is answered soundly: GET and HEAD, single ranges, conditions, keep-alive. The query can say the
// same (?fault=cut-close&at=1MiB). Go tests may also set a fault or a Script of their own for a path
// ([Server.SetFault], [Server.Set]). A name that does not exist is answered with 400 and fails the test that started
// the origin.
//
// The parameters; each fault has defaults, see [Faults]:
//
//	size=192KiB    of the object, in bytes, KiB, MiB or GiB
//	at=96KiB       the byte of the object at which it happens; half of the object if not given
//	chunk=4KiB     data bytes in a chunk
//	rate=1KiB      bytes per second
//	times=1        how often it happens (per path and method), or how many hops a redirect has
//	wait=2s        how long a stall lasts; not given: until [Server.Release], or until the client leaves
//	after=1        Retry-After: seconds, or any text
//	status=503     of the answer
//	to=10.0.0.1    where a redirect leads: host or host:port, in a query or from Go also a URL
//	header=32KiB   how long the header gets
//
// # What a cache must do
//
// [Faults] is a table of all faults with what a correct cache may do about each, for tests to loop over. A position
// ("at") is one in the object, so that a resumed pull does not get any further either, unless the fault says how often
// it happens. Faults that refuse, pause or break pulls add up in a cache that watches its origin's health: give each
// fault an origin of its own; it is one socket.
//
// # In a test
//
//	o := origin.Start(t, origin.Config{})
//	gate := o.Hold("/a.bin", origin.BeforeHead)
//	… 500 clients ask the cache, whose origin is o.URL(), for a.bin …
//	err := o.Wait(ctx, "/a.bin", 1)
//	gate.Release()
//	… every body is compared with o.Truth("/a.bin"), and o.Requests("/a.bin") is 1 …
//
//	for _, f := range origin.Faults() {
//		… ask the cache for f.Path("a") and compare what comes with f.Get …
//	}
//
// By hand: go run ./test/origin/mirrorgate-faults -listen 127.0.0.1:9999
//
// # What is counted
//
// Everything, from the moment that a request's header has arrived: [Server.Count], [Server.Records], [Server.Conns].
// Nothing is forgotten but the oldest records: an origin is meant to live as long as a test.
package origin
