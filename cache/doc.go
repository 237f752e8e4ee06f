// Package cache answers for objects: Get looks where an object may already be (memory, the bucket, the spool), Fill
// pulls it once, however many ask, and lets every reader follow the bytes while they arrive.
//
// It promises that no reader of a body that may be kept gets its last byte before the end of that body is proven, its
// digest has matched and the spool has committed it; that an error is never taken for a miss; and that a key of a site
// is pulled once at a time, except while its last answer was one that may not be shared: then each request pulls for
// itself, within limits.max_solo_pulls.
//
// It does not know HTTP servers, rules or origins: a Loader brings the origin's answer, and the caller decides whether
// that answer may be shared and kept.
package cache
