package origin

import (
	"context"

	"mirrorgate/test/harness"
)

// Set makes the script answer for a path (decoded, without a query), whatever the path says; "" is every path that has
// none of its own. nil takes the script away again. Set("", Sound) makes a backup of an origin whose paths name faults.
func (s *Server) Set(path string, script Script) { s.routes.set(path, script) }

// SetFault makes a fault answer for a path as Set does. It is written as in a path, without the "~":
// "cut-close,at=1MiB". A size that it gives is that of the object.
func (s *Server) SetFault(path, fault string) error {
	spec, err := parseSpec(fault)
	if err == nil {
		s.routes.setSpec(path, spec)
	}
	return err
}

// SetObject lays another object under a path.
func (s *Server) SetObject(path string, o Object) { s.routes.setObject(path, o) }

// Object is what lies under a path (decoded, without a query) when it is asked for now.
func (s *Server) Object(path string) Object {
	found, _ := s.routes.find(path, "") // a mistake in the path gives the object that a path without faults has
	return found.object
}

// Truth is the body of the object under a path.
func (s *Server) Truth(path string) harness.Truth { return s.Object(path).Truth }

// Hold keeps the answers for a path ("": all) back until the Gate is released, at a byte of the object or BeforeHead.
// Requests are counted when they arrive, held or not; how many are held is Count's Stopped.
func (s *Server) Hold(path string, at int64) *Gate { return s.holds.add(path, at) }

// Release ends the stalls of a path that have no time of their own, those that are and those to come.
func (s *Server) Release(path string) { s.holds.stall(path).Release() }

// Requests is how many requests for a path ("": all) have arrived, of every method, ranges included.
func (s *Server) Requests(path string) int { return s.Count(path).Requests }

// Count is what was asked of a path; "" is all of them together.
func (s *Server) Count(path string) Count { return s.ledger.count(path) }

// Records are the requests for a path ("": all) one by one, in the order of their arrival.
func (s *Server) Records(path string) []Record { return s.ledger.copyRecords(path) }

// Conns is what the connections did.
func (s *Server) Conns() Conns { return s.ledger.connsNow() }

// Wait returns when n requests for a path ("": all) have arrived, or when the context ends, with its error.
func (s *Server) Wait(ctx context.Context, path string, n int) error {
	return s.WaitFor(ctx, path, func(c Count) bool { return c.Requests >= n })
}

// WaitFor returns when ok says so of the counts of a path ("": all), or when the context ends, with its error. ok is
// called after each change.
func (s *Server) WaitFor(ctx context.Context, path string, ok func(Count) bool) error {
	return s.ledger.wait(ctx, path, ok)
}

// Problem is what the origin was asked for and does not have (faults that do not exist), or could not do; else nil.
func (s *Server) Problem() error { return s.ledger.problem() }
