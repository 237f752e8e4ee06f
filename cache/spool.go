package cache

import "io"

// Spool keeps bodies while they arrive, and afterwards until they are in the bucket. All methods may be called
// concurrently.
type Spool interface {
	// Create makes room for a body of size bytes, or of an unknown size when it is -1. Without room: ErrNoRoom.
	Create(size int64) (Draft, error)
	// Open opens an object that is committed and not yet saved, as Bucket.Open does. One that is to replace a copy in the
	// bucket is ErrNotFound: whether that copy is still there, only the bucket knows.
	Open(id ID, o ReadOptions) (*Object, error)
	// Saved tells whether id has lately left the spool because it is in the bucket now. Who looked into the bucket
	// just before that and finds the spool empty has to look again.
	Saved(id ID) bool
}

// Draft is one body in the spool. One goroutine writes and ends it; others may read at the same time.
type Draft interface {
	// Write appends. It fails with ErrNoRoom when a body of unknown size outgrows the room that is left, or the disk is
	// full.
	io.Writer
	// ReadAt reads what was written, until Close, whatever becomes of the draft meanwhile.
	io.ReaderAt
	// Wrap, after an ErrNoRoom, gives up keeping the body: what room there is becomes a window over the last so many
	// bytes, through which writing goes on. It returns the window's size, 0 when there is none. A writer overwrites
	// nothing that is still to be read; who reads what was overwritten all the same, gets anything.
	Wrap() int64
	// Announce says, before the first byte, what a body of known size is going to be if its end is proven: saving may
	// begin while it arrives. Only Commit makes it an object.
	Announce(e Entry)
	// Commit hands the body over to be saved. Once it returns nil, the entry survives the end of the process. ErrNoRoom:
	// it could not be kept for want of room, and can still be read.
	Commit(e Entry) error
	// Discard gives up the body and its room. After Commit it does nothing.
	Discard()
	// Close ends all use. It comes last.
	Close() error
}

// Entry is a committed body with all that is needed to save it.
type Entry struct {
	ID   ID
	Meta Meta // with its final size, and MD5 in the provenance
	Put  PutOptions
}
