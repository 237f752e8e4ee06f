package cache

import "context"

// Proof is implemented by a body that is still arriving while it is put. Its ReadAt waits for bytes that have not come.
// Whatever makes the object visible in the bucket waits for Proven, which returns nil once the end is proven and the
// object committed, and an error when that will not be.
type Proof interface {
	Proven(ctx context.Context) error
}

// Upload is an upload in parts that the bucket holds open.
type Upload struct {
	ID       string // the bucket's name for it; "": there is none
	PartSize int64  // bytes of every part but the last
	Parts    []Part // those that the bucket has confirmed, in any order
}

// Part is one of them.
type Part struct {
	Number int // from 1
	ETag   string
}

// Checkpoint remembers an upload in parts while the process may end at any moment. Each method returns when what it was
// told survives that. Part may be called from several goroutines.
type Checkpoint interface {
	// Upload is what was remembered last.
	Upload() Upload
	// Begin remembers an upload that the bucket has just opened, instead of any other.
	Begin(id string, partSize int64) error
	// Part remembers a part that the bucket has confirmed.
	Part(Part) error
	// End forgets the upload: it is completed, given up, or unknown to the bucket.
	End() error
}

// Parted is a bucket that takes large objects in parts.
type Parted interface {
	// InParts tells whether Put would write an object of size bytes in parts.
	InParts(size int64, o PutOptions) bool
	// Abort gives up an upload of key that a Checkpoint remembered. One that the bucket does not know is no error.
	Abort(ctx context.Context, key, id string) error
}
