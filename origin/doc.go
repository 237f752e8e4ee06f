// Package origin pulls objects from the servers that a rule names: a primary and, where the failover set says so, its
// backup. A target is a web server behind a URL or a private S3 bucket, whose requests are signed with SigV4.
//
// It promises that a path is sent exactly as it was given; that every address is checked when it is dialled, whatever
// name led to it; that no answer takes longer than the limits of the configuration, whatever an origin does; and that
// a body ends with io.EOF only where its end was proven, or where an origin that does not announce an end closed the
// connection (Response.Proven tells which).
//
// A pull whose body breaks off is continued from the same target, where that proves to have the very same bytes. A
// target that fails, or that asks for a pause, is left alone for a while; the backup is asked instead.
//
// It does not know keys, rules or what may be stored, keeps nothing, and compares no digests.
package origin
