// Package rules decides what a request means: which object key it names, which rule that key falls under, what an
// origin would be asked and with which headers, and whether the answer may be kept. It is policy as data: a Config
// becomes a Set, a Set turns a Request into one Decision, and nobody matches twice.
//
// It promises that equal input gives an equal answer: there is no I/O here, no clock, no logger and no state. A Set
// never changes and may be used by any number of goroutines.
//
// It does not know buckets, pulls or HTTP servers. It imports nothing of mirrorgate.
//
// # Text and bytes
//
// A key is bytes. Match and rewrite work on the key as it is stored; what is configured (a prefix, a replacement, a
// fixed name) is plain text and never percent-decoded: "%20" in a rule is those three characters. A path is encoded
// once, when a URL is made of it.
//
// # Keys that could be mistaken for others
//
// Two requests that ask an origin for different things must never share a stored key. Two places need care:
//
// With key.bad_utf8: escape a byte that is not UTF-8 stands in the key as %XX. A literal "%" that would read like
// such an escape is therefore itself written "%25" (see Key), and both come back to what they were before a URL is
// made.
//
// With forward.query: key the object of "/a?w=2" is stored as "a?w=2", which is also the key of "/a%3Fw=2". The first
// is a variant of a, the second is a file with a question mark in its name. A key that could be a variant's is read
// from the bucket like any other, but never pulled or redirected: Plan refuses it.
package rules
