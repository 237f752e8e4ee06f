package cache

import (
	"context"
	"io"
)

// MaxKey is the longest key that a bucket holds, in bytes (the limit of S3).
const MaxKey = 1024

// InternalPrefix begins the keys that mirrorgate keeps for itself in a bucket. Clients get 404 for them.
const InternalPrefix = ".mirrorgate/"

// ID names one object of one gateway: the site's name and the key that the object is stored under. A Key is bytes:
// it need not be UTF-8, and is never cleaned.
type ID struct {
	Site, Key string
}

// Object is an open object. Meta describes the whole object; Body holds Length bytes of it from Start on.
type Object struct {
	Meta Meta

	// Partial tells that Body is the range that was asked for rather than the whole.
	Partial       bool
	Start, Length int64 // Length is -1 while the size of a body that is still arriving is unknown

	// Body is the caller's to close. It is nil when only the headers were asked for. Closing it before its end never
	// harms a pull that may be kept.
	Body io.ReadCloser

	// Tier tells where the answer came from.
	Tier Tier
	// Pull tells how the answer came, when Tier is TierPull.
	Pull PullInfo
}

// Tier is the place that an answer came from.
type Tier uint8

const (
	TierBucket Tier = iota // the bucket
	TierMemory             // memory: what the bucket has said lately
	TierSpool              // committed to the spool, not yet in the bucket
	TierPull               // arriving from an origin
)

// PullInfo describes an answer that is arriving from an origin.
type PullInfo struct {
	Target    string // the target that answered: primary or backup
	Partial   bool   // a range that was passed through; Start is its first byte
	Start     int64
	Collapsed bool     // this reader joined a pull that somebody else began
	Kept      bool     // the copy will be saved if its end is proven
	Reason    string   // why it is not kept, of the closed list in Pull.Reason
	Trace     string   // the traceparent of the request that caused the pull, if that is traced
	SetCookie []string // the origin's Set-Cookie lines: only for the request that caused the pull
}

// ReadOptions narrows what Bucket.Open returns.
type ReadOptions struct {
	HeadersOnly bool
	Range       *Range // nil: the whole object
	IfMatch     string // the bucket's own ETag that the object must still have, or ""; else ErrPrecondition
}

// PutOptions says how an object is written.
type PutOptions struct {
	// IfMatch is the bucket's ETag of the copy to replace. Empty: the write is create-only. Either way ErrPrecondition
	// means that somebody else's object is there, and nothing was changed.
	IfMatch string

	StorageClass string            // "": the bucket's default
	Encryption   string            // "" is the bucket's default, or EncryptionS3, EncryptionKMS
	KMSKey       string            // the key's id, of EncryptionKMS; "": the bucket's default key
	ACL          string            // a canned ACL; "": the bucket's default
	Tags         map[string]string // at most 10

	// Trace is the W3C traceparent of the request that caused the write; "": it is not traced. No bucket is told of it.
	Trace string `json:",omitempty"`

	// Checkpoint lets an upload in parts go on in another Put, after this one failed in a way that passes or the process
	// ended. nil: an upload that fails is given up.
	Checkpoint Checkpoint `json:"-"`
}

// The values of PutOptions.Encryption.
const (
	EncryptionS3  = "sse-s3"  // with keys of the bucket
	EncryptionKMS = "sse-kms" // with a key of a key management service
)

// Bucket is where a site's objects live. All methods may be called concurrently.
type Bucket interface {
	// Open opens the object. Absent is ErrNotFound, and only that is: a missing bucket, a refusal or a fault is any
	// other error. ErrDeleted: somebody deleted the object on purpose. ErrKeyForm: this bucket cannot keep the key
	// apart from others, and was not asked. A range outside the object is a *RangeError.
	Open(ctx context.Context, key string, o ReadOptions) (*Object, error)

	// Put writes meta.Size bytes of body under key, with what of meta a bucket keeps (see EncodeMeta), whole or not at
	// all. It may read body several times and from several goroutines, and does not close it. A body may be a Proof. An
	// option that the bucket lacks is a *BucketError that lasts. ErrDamaged tells that the body does not fit the MD5 of
	// meta's provenance; not every bucket looks.
	Put(ctx context.Context, key string, body io.ReaderAt, meta Meta, o PutOptions) error
}
