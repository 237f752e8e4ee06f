package bucket

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// witness is the transport of minio-go. It tells a sealing how the server has encrypted, which minio-go keeps to
// itself.
type witness struct{ http.RoundTripper }

// RoundTrip notes the answer's header.
func (w witness) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if seen, ok := r.Context().Value(sealingKey{}).(*sealing); ok && err == nil {
		how := resp.Header.Get("X-Amz-Server-Side-Encryption")
		if how != "" {
			seen.how.Store(&how)
		}
	}
	return resp, err
}

type sealingKey struct{}

// sealing is the encryption that a server says an object has, in any of the answers that it watches: not all say so.
type sealing struct{ how atomic.Pointer[string] }

func (s *sealing) watch(ctx context.Context) context.Context {
	return context.WithValue(ctx, sealingKey{}, s)
}

// value is AES256, aws:kms or the like, "" when the server said nothing.
func (s *sealing) value() string {
	if how := s.how.Load(); how != nil {
		return *how
	}
	return ""
}

// opaque tells that the ETag is not the MD5 of the bytes, whatever it is for other objects of the bucket: with a key
// of a key management service it never is.
func (s *sealing) opaque() bool { return s.value() != "" && s.value() != "AES256" }

// made is what a PUT has made.
type made struct {
	etag, version string
	*sealing
}

// mismatchError means that the bucket holds other bytes than those sent.
type mismatchError struct{ got, want string }

func (e *mismatchError) Error() string {
	return fmt.Sprintf("the ETag of what was stored is %q, the MD5 of what was sent is %s", e.got, e.want)
}

// compare looks whether the ETag is the MD5 that was sent, where this bucket's ETags are: known tells.
func compare(known bool, op, etag, md5Base64 string, seen *sealing) error {
	sum, err := base64.StdEncoding.DecodeString(md5Base64)
	if want := hex.EncodeToString(sum); known && err == nil && !seen.opaque() && !strings.EqualFold(etag, want) {
		return &cache.BucketError{Op: op, Err: &mismatchError{got: etag, want: want}}
	}
	return nil
}

// sealed looks whether the encryption that was asked for is confirmed. A server that knows none ignores the header.
func (w *upload) sealed(seen *sealing) error {
	want := map[string]string{cache.EncryptionS3: "AES256", cache.EncryptionKMS: "aws:kms"}[w.put.Encryption]
	if want == "" || seen.value() == want {
		return nil
	}
	return &cache.BucketError{Op: "put", Lasting: true, Err: fmt.Errorf(
		"the bucket does not confirm the encryption %s: its answer says %q", w.put.Encryption, seen.value())}
}

// checkWhole judges the answer to a single PUT. What it made is visible already. If that is not what was asked for, it
// is taken back, and the caller gets an error as if it had never been: the bucket compared the Content-MD5 before, so
// this is a server, or something before it, that breaks what it stores. A copy that was replaced is gone then, and
// is pulled again when somebody asks for it.
func (w *upload) checkWhole(ctx context.Context, m made, sum string) error {
	err := w.sealed(m.sealing)
	unsealed := err != nil
	if !unsealed {
		err = compare(w.able.putMD5, "put", m.etag, sum, m.sealing)
	}
	if err == nil {
		return nil
	}
	undone := w.takeBack(ctx, m)
	if undone != nil && !unsealed && w.writeOver(ctx, m, sum) == nil {
		w.log.Warn("an object was stored wrong, and has been written over", "key", w.key, "error", err)
		return nil
	}
	w.report(undone, m, err)
	return err
}

// writeOver replaces what a PUT has made and nothing else, for a bucket where it cannot be removed without the danger
// of removing a newer object.
func (w *upload) writeOver(ctx context.Context, m made, sum string) error {
	if !w.able.put.ifMatch || m.etag == "" {
		return errNoExactDelete
	}
	options := w.options
	options.SetMatchETag(m.etag)
	again, err := w.putWhole(ctx, sum, options)
	if err != nil {
		return err
	}
	return compare(true, "put", again.etag, sum, again.sealing)
}

// report says what became of an object that is not what was asked for.
func (w *upload) report(undone error, m made, err error) {
	if undone == nil {
		w.log.Error("an object was stored wrong, and has been removed again", "key", w.key, "error", err)
		return
	}
	w.log.Error("an object was stored wrong and is VISIBLE: look at it, and delete it if it is the one with this etag",
		"key", w.key, "etag", m.etag, "error", err, "not_removed", undone)
}

var errNoExactDelete = errors.New("the bucket cannot delete exactly this object: it gives no version, and ignores " +
	"If-Match on DELETE")

// takeBack removes what a PUT has made and nothing else: that version, or the object only if its ETag is still that.
func (w *upload) takeBack(ctx context.Context, m made) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	switch {
	case m.version != "" && m.version != "null":
		return w.sdk.RemoveObject(ctx, w.config.Name, w.key, minio.RemoveObjectOptions{VersionID: m.version})
	case w.able.deleteIfMatch && m.etag != "":
		return w.removeIfMatch(ctx, w.key, `"`+m.etag+`"`)
	}
	return errNoExactDelete
}

// removeIfMatch deletes the object that has this ETag: cache.ErrPrecondition if it has another. minio-go has no
// condition on DELETE.
func (s *S3) removeIfMatch(ctx context.Context, key, etag string) error {
	x, err := s.client.do(ctx, ask{method: http.MethodDelete, key: key, ifMatch: etag})
	if err != nil {
		return transport("delete", err)
	}
	status := x.head.status
	if r := x.refusal(); status != http.StatusOK && status != http.StatusNoContent {
		return classify("delete", r)
	}
	return nil
}
