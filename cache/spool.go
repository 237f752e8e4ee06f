package cache

import "io"

// Spool keeps bodies while they arrive, and afterwards until they are in the bucket. All methods may be called
// concurrently.
type Spool interface {
	// Create makes room for a body of size bytes, or of an unknown size when it is -1. Without room: ErrNoRoom.
	Create(size int64) (Draft, error)
	// Open opens an object that is committed and not yet saved, as Bucket.Open does.
	Open(id ID, o ReadOptions) (*Object, error)
	// Saved tells whether id has lately left the spool because it is in the bucket now. Who looked into the bucket
	// just before that and finds the spool empty has to look again.
	Saved(id ID) bool
}

// Draft is one body in the spool. One goroutine writes and ends it; others may read at the same time.
type Draft interface {
	// Write appends. It fails with ErrNoRoom when a body of unknown size outgrows the room that is left.
	io.Writer
	// ReadAt reads what was written, until Close, whatever becomes of the draft meanwhile.
	io.ReaderAt
	// Commit hands the body over to be saved. Once it returns nil, the entry survives the end of the process.
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
