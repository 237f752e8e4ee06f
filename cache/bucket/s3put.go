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
	"golang.org/x/net/http/httpguts"

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
func (s *S3) Put(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	able := s.able.Load()
	if able == nil {
		return cache.ErrNotReady
	}
	full, err := s.fullKey(key)
	if strings.HasPrefix(key, cache.InternalPrefix) {
		err = errors.New("keys under " + cache.InternalPrefix + " are kept for mirrorgate itself")
	}
	if err != nil {
		return &cache.BucketError{Op: "put", Lasting: true, Err: err}
	}
	w := &upload{S3: s, key: full, body: body, meta: meta, put: o}
	if err := w.plan(able); err != nil {
		return &cache.BucketError{Op: "put", Lasting: true, Err: err}
	}
	if w.guarded {
		if err := w.look(ctx); err != nil {
			return err
		}
	}
	if w.single {
		err = w.whole(ctx)
	} else {
		err = w.inParts(ctx)
	}
	return w.settle(ctx, err)
}

// plan decides how the object is written. Its errors last.
func (w *upload) plan(able *abilities) error {
	size := w.meta.Size
	switch {
	case !able.writable:
		return errors.New("the start-up probe was not allowed to write into the bucket")
	case size < 0:
		return errors.New("the size of the object is not known")
	case strings.HasPrefix(w.put.IfMatch, "W/"):
		return errors.New("the bucket gives weak ETags: a replacement could not be made safe with If-Match")
	}
	w.single = size <= w.partSize
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
	return w.describe()
}

// describe fills in the metadata. Names of user metadata are given whole, since minio-go would take one called
// "x-amz-acl" for that very header; Expires too, since minio-go would rewrite it.
func (w *upload) describe() error {
	stored, _ := cache.EncodeMeta(w.meta)
	user := make(map[string]string, len(stored.User)+1)
	for name, value := range stored.User {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("user metadata %q cannot be sent as a header", name)
		}
		user["X-Amz-Meta-"+name] = value
	}
	if stored.Expires != "" {
		user["Expires"] = stored.Expires
	}
	w.options = minio.PutObjectOptions{
		UserMetadata: user, ContentType: stored.ContentType, ContentEncoding: stored.ContentEncoding,
		ContentDisposition: stored.ContentDisposition, ContentLanguage: stored.ContentLanguage,
		CacheControl: stored.CacheControl, StorageClass: w.put.StorageClass, DisableContentSha256: true,
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
	sum, err := w.knownMD5()
	if err != nil {
		return err
	}
	options := w.options
	w.condition(&options)
	r := io.NewSectionReader(w.body, 0, w.meta.Size)
	_, err = w.sdk.PutObject(ctx, w.config.Name, w.key, r, w.meta.Size, sum, "", options)
	return fromSDK("put", err)
}

// knownMD5 is the Content-MD5 of the body: taken from its provenance, or computed.
func (w *upload) knownMD5() (string, error) {
	if p := w.meta.Origin; p.Believed() && p.Size == w.meta.Size {
		if sum, err := hex.DecodeString(p.MD5); err == nil && len(sum) == md5.Size {
			return base64.StdEncoding.EncodeToString(sum), nil
		}
	}
	return sumMD5(w.body, 0, w.meta.Size)
}

// sumMD5 reads the section once; sending it reads it again, from the page cache.
func sumMD5(body io.ReaderAt, start, length int64) (string, error) {
	h := md5.New()
	n, err := io.Copy(h, io.NewSectionReader(body, start, length))
	if err == nil && n < length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", fmt.Errorf("read the body at byte %d: %w", start+n, err)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// settle turns what a condition led to into cache.ErrPrecondition or into an error that is worth another try.
func (w *upload) settle(ctx context.Context, err error) error {
	if errors.Is(err, cache.ErrNotFound) { // an If-Match on an object that is gone
		if w.put.IfMatch != "" {
			return cache.ErrPrecondition
		}
		return &cache.BucketError{Op: "put", Status: http.StatusNotFound, Code: minio.NoSuchKey}
	}
	var refused *cache.BucketError
	if !errors.As(err, &refused) || refused.Code != "ConditionalRequestConflict" {
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
