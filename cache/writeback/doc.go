// Package writeback saves pulled objects into their buckets. Its Spool is a directory that is the queue:
//
//	tmp      bodies that arrive
//	pending  SITE/XX/: of each object a record and a body, by the hash of site and key; the record's ending says whether
//	         the object waits to be saved or is dead (given up until somebody retries it)
//	uploads  which uploads in parts the buckets hold open, with the parts that are done
//	dead     what cannot be trusted any more: damaged entries, for a person to look at
//
// A body is written under tmp and committed by renaming it and then its record into pending; a small one is written in
// pending at once, where it is nothing until its record is there. Both go once the bucket holds the object. The disk is
// the truth; what is in memory is an index over the names of its files, and the order in which they are due.
//
// It promises that a committed entry survives the end of the process, is written create-only (or against the ETag it
// replaces), is tried again until the bucket holds it or a newer object, and is served from the spool until then. An
// entry that the bucket refuses for good is kept and served, too, until somebody retries or drops it, or its room is
// needed: what waits is never dropped.
//
// A body is not flushed to the platter unless spool.fsync is set: after a power cut the origin still has it. So after a
// start of the machine, other than one of the process alone, a body that waits is compared with its checksum before it
// is served or saved.
package writeback
