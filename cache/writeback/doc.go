// Package writeback saves pulled objects into their buckets. Its Spool is a directory that is the queue: a body is
// written under tmp, committed by renaming it and its record into pending, and removed once the bucket holds the
// object. The disk is the truth; what is in memory is an index over it.
//
// It promises that a committed entry survives the end of the process, is written create-only (or against the ETag it
// replaces), is tried again until the bucket holds it or a newer object, and is served from the spool until then.
//
// A body is not flushed to the platter unless spool.fsync is set: after a power cut the origin still has it.
package writeback
