package bucket

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// Limits of S3.
const (
	minPart   = 5 << 20
	maxPart   = 5 << 30
	maxSingle = 5 << 30
	maxParts  = 10000
)

// upload is one object on its way into the bucket.
type upload struct {
	*S3
	able    *abilities
	key     string
	body    io.ReaderAt
	meta    cache.Meta
	options minio.PutObjectOptions // without the condition
	put     cache.PutOptions

	single  bool // one PUT; else in parts
	guarded bool // the bucket ignores create-only conditions: look first
}

// Put writes an object; see cache.Bucket. Objects of more than the part size go in parts, at most four at a time; body
// is read, and no part is kept in memory. A bucket that ignores conditions on the end of an upload in parts, but not
// on a single PUT, gets objects of up to 5 GiB as one PUT.
//
// A body that is a cache.Proof is read as it arrives, and its parts are sent; the ReadAt that waits for bytes should
// end with ctx. A Checkpoint keeps an upload in parts open after a failure that passes, see s3resume.go.
func (s *S3) Put(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	if internal(key) {
		return &cache.BucketError{Op: "put", Lasting: true, Err: errInternal}
	}
	w, err := s.newUpload(key, body, meta, o)
	if err != nil {
		return err
	}
	if w.guarded {
		if err := w.look(ctx); err != nil {
			if errors.Is(err, cache.ErrPrecondition) {
				_ = w.dropRemembered(ctx) // it is logged, and the checkpoint stays
			}
			return err
		}
	}
	return w.write(ctx)
}

var errInternal = errors.New("keys under " + cache.InternalPrefix + " are kept for mirrorgate itself")

// write sends the object.
func (w *upload) write(ctx context.Context) error {
	if !w.single {
		return w.inParts(ctx)
	}
	if err := w.dropRemembered(ctx); err != nil {
		return err
	}
	return w.settle(ctx, w.whole(ctx))
}

// newUpload decides how an object is written. Its errors last, but for cache.ErrNotReady.
func (s *S3) newUpload(key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) (*upload, error) {
	able := s.able.Load()
	if able == nil {
		return nil, cache.ErrNotReady
	}
	full, err := s.fullKey(key)
	w := &upload{S3: s, able: able, key: full, body: body, meta: meta, put: o}
	if err == nil {
		err = w.plan()
	}
	if err == nil {
		err = w.describe()
	}
	if err != nil {
		return nil, &cache.BucketError{Op: "put", Lasting: true, Err: err}
	}
	return w, nil
}

// InParts tells whether Put would write an object of size bytes in parts. It is false until the bucket has answered
// its probe, and for what Put would refuse.
func (s *S3) InParts(size int64, o cache.PutOptions) bool {
	able := s.able.Load()
	if able == nil {
		return false
	}
	w := &upload{S3: s, able: able, meta: cache.Meta{Size: size}, put: o}
	return w.plan() == nil && !w.single
}

// plan chooses between one PUT and parts, and whether the bucket keeps the condition.
func (w *upload) plan() error {
	size, able := w.meta.Size, w.able
	switch {
	case !able.writable:
		return errors.New("the start-up probe was not allowed to write into the bucket")
	case size < 0:
		return errors.New("the size of the object is not known")
	case strings.HasPrefix(w.put.IfMatch, "W/"):
		return errors.New("the bucket gives weak ETags: a replacement could not be made safe with If-Match")
	}
	w.single = size <= w.uploads.partSize
	if !w.single && size <= maxSingle && !able.complete.hold(w.put) && able.put.hold(w.put) {
		w.single = true
	}
	conditions := able.complete
	if w.single {
		conditions = able.put
	}
	w.guarded = !conditions.hold(w.put)
	if w.guarded && w.put.IfMatch != "" {
		return errors.New("this bucket ignores If-Match: a replacement could overwrite a newer object")
	}
	return nil
}

// condition adds the condition that keeps the write from replacing what it should not.
func (w *upload) condition(o *minio.PutObjectOptions) {
	switch {
	case w.guarded:
	case w.put.IfMatch != "":
		o.SetMatchETag(strings.Trim(w.put.IfMatch, `"`))
	default:
		o.SetMatchETagExcept("*")
	}
}

// look is what a create-only write comes down to where the bucket does not keep it.
func (w *upload) look(ctx context.Context) error {
	_, found, err := w.exists(ctx, w.key)
	if err == nil && found {
		err = cache.ErrPrecondition
	}
	return err
}

// whole writes with one PUT. The signature covers the MD5, which the server compares with the bytes.
func (w *upload) whole(ctx context.Context) error {
	sum, err := w.knownMD5(ctx)
	if err != nil {
		return err
	}
	if err := w.proven(ctx); err != nil {
		return err
	}
	if w.guarded && w.arriving() {
		if err := w.look(ctx); err != nil { // it took a while
			return err
		}
	}
	options := w.options
	w.condition(&options)
	made, err := w.putWhole(ctx, sum, options)
	if codeOf(err) == codeBadDigest {
		return w.blame(ctx, sum, err)
	}
	if err != nil {
		return err
	}
	return w.checkWhole(ctx, made, sum)
}

// putWhole sends the PUT.
func (w *upload) putWhole(ctx context.Context, sum string, o minio.PutObjectOptions) (made, error) {
	release, err := w.uploads.acquire(ctx, w.meta.Size)
	if err != nil {
		return made{}, err
	}
	defer release()
	seen := new(sealing)
	r := io.NewSectionReader(w.body, 0, w.meta.Size)
	info, err := w.sdk.PutObject(seen.watch(ctx), w.config.Name, w.key, r, w.meta.Size, sum, "", o)
	return made{etag: info.ETag, version: info.VersionID, sealing: seen}, fromSDK("put", err)
}

// blame finds out whether the body or the way to the server is behind an MD5 that did not fit.
func (w *upload) blame(ctx context.Context, sum string, err error) error {
	if now, sumErr := sumMD5(ctx, w.body, 0, w.meta.Size); sumErr == nil && now != sum {
		return fmt.Errorf("%w: %w", cache.ErrDamaged, err)
	}
	return err
}

// knownMD5 is the Content-MD5 of the body: taken from its provenance, or computed.
func (w *upload) knownMD5(ctx context.Context) (string, error) {
	if p := w.meta.Origin; p.Believed() && p.Size == w.meta.Size {
		if sum, err := hex.DecodeString(p.MD5); err == nil && len(sum) == md5.Size {
			return base64.StdEncoding.EncodeToString(sum), nil
		}
	}
	return sumMD5(ctx, w.body, 0, w.meta.Size)
}

// settle turns what a condition led to into cache.ErrPrecondition or into an error that is worth another try.
func (w *upload) settle(ctx context.Context, err error) error {
	if errors.Is(err, cache.ErrNotFound) { // an If-Match on an object that is gone
		if w.put.IfMatch != "" {
			return cache.ErrPrecondition
		}
		return &cache.BucketError{Op: "put", Status: http.StatusNotFound, Code: minio.NoSuchKey}
	}
	if codeOf(err) != codeConflict {
		return err
	}
	etag, found, headErr := w.exists(ctx, w.key)
	if headErr != nil {
		return err
	}
	if w.put.IfMatch == "" && !found || w.put.IfMatch != "" && etag == w.put.IfMatch {
		return err
	}
	return cache.ErrPrecondition
}
