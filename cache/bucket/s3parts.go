package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"mirrorgate/cache"
)

const (
	// parallelParts is how many parts of one object are under way at once.
	parallelParts = 4
	// abortLimit bounds giving up an upload.
	abortLimit = 15 * time.Second
	// hurryLimit is the same while the gateway stops.
	hurryLimit = 2 * time.Second
)

// partSizeFor is the part size, grown by whole MiB until maxParts hold the object.
func partSizeFor(size, partSize int64) int64 {
	need := (size + maxParts - 1) / maxParts
	if need <= partSize {
		return partSize
	}
	const step = 1 << 20
	return (need + step - 1) / step * step
}

// opened is an upload in parts that the server holds open.
type opened struct {
	id    string
	size  int64                // of every part but the last
	parts []minio.CompletePart // all of them, in order; without an ETag: still to be sent
	seen  *sealing             // what the answers to the beginning and to the parts said
}

func newOpened(id string, size, partSize int64) *opened {
	u := &opened{id: id, size: partSize, parts: make([]minio.CompletePart, (size+partSize-1)/partSize), seen: new(sealing)}
	for i := range u.parts {
		u.parts[i].PartNumber = i + 1
	}
	return u
}

// section is where in the object part i lies.
func (u *opened) section(i int, size int64) (start, length int64) {
	start = int64(i) * u.size
	return start, min(u.size, size-start)
}

// inParts writes with a multipart upload. The condition belongs to its end; beginning one changes nothing.
func (w *upload) inParts(ctx context.Context) error {
	u, err := w.open(ctx)
	if err != nil {
		return err
	}
	err = w.sendParts(ctx, u)
	if err == nil {
		err = w.complete(ctx, u)
	}
	err = w.settle(ctx, err)
	w.end(ctx, u, err)
	return err
}

// open goes on with the upload that is remembered, or begins one.
func (w *upload) open(ctx context.Context) (*opened, error) {
	if w.put.Checkpoint != nil {
		u, err := w.resume(ctx)
		if u != nil || err != nil {
			return u, err
		}
	}
	return w.begin(ctx)
}

// begin opens an upload. It is remembered before any part is sent.
func (w *upload) begin(ctx context.Context) (*opened, error) {
	size := partSizeFor(w.meta.Size, w.uploads.partSize)
	seen := new(sealing)
	id, err := w.sdk.NewMultipartUpload(seen.watch(ctx), w.config.Name, w.key, w.options)
	if err != nil {
		return nil, w.settle(ctx, fromSDK("begin upload", err))
	}
	if w.put.Checkpoint != nil {
		if err := w.put.Checkpoint.Begin(id, size); err != nil {
			_ = w.abandon(ctx, w.key, id) // it is logged
			return nil, fmt.Errorf("remember the upload in parts: %w", err)
		}
	}
	u := newOpened(id, w.meta.Size, size)
	u.seen = seen
	return u, nil
}

func (w *upload) sendParts(ctx context.Context, u *opened) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelParts)
	for i := range u.parts {
		if u.parts[i].ETag != "" {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() (err error) {
			start, length := u.section(i, w.meta.Size)
			u.parts[i].ETag, err = w.sendPart(ctx, u, i+1, start, length)
			if err == nil {
				w.remember(u.parts[i])
			}
			return err
		})
	}
	return group.Wait()
}

// sendPart reads the part first, and takes part in the bounds of sending only then: its bytes may not have come yet.
func (w *upload) sendPart(ctx context.Context, u *opened, number int, start, length int64) (etag string, err error) {
	sum, err := sumMD5(ctx, w.body, start, length)
	if err != nil {
		return "", err
	}
	release, err := w.uploads.acquire(ctx, length)
	if err != nil {
		return "", err
	}
	defer release()
	r := io.NewSectionReader(w.body, start, length)
	part, err := w.sdk.PutObjectPart(u.seen.watch(ctx), w.config.Name, w.key, u.id, number, r, length,
		minio.PutObjectPartOptions{Md5Base64: sum, DisableContentSha256: true})
	if err != nil {
		return "", fromSDK("put part", err)
	}
	opaque := w.put.Encryption == cache.EncryptionKMS
	return part.ETag, compare(w.able.partMD5 && !opaque, "put part", part.ETag, sum, u.seen)
}

// complete makes the object visible.
func (w *upload) complete(ctx context.Context, u *opened) error {
	if err := w.sealed(u.seen); err != nil {
		return err
	}
	if err := w.proven(ctx); err != nil {
		return err
	}
	if w.guarded {
		if err := w.look(ctx); err != nil {
			return err
		}
	}
	var options minio.PutObjectOptions
	w.condition(&options)
	_, err := w.sdk.CompleteMultipartUpload(ctx, w.config.Name, w.key, u.id, u.parts, options)
	return fromSDK("complete upload", err)
}

// Abort gives up an upload of key; see cache.Parted.
func (s *S3) Abort(ctx context.Context, key, id string) error {
	full, err := s.fullKey(key)
	if errors.Is(err, cache.ErrKeyForm) && s.able.Load() == nil {
		return cache.ErrNotReady
	}
	if err != nil {
		return &cache.BucketError{Op: "abort upload", Lasting: true, Err: err}
	}
	return s.abort(ctx, full, id)
}

// abort is nil also when the server does not know the upload.
func (s *S3) abort(ctx context.Context, key, id string) error {
	err := fromSDK("abort upload", s.sdk.AbortMultipartUpload(ctx, s.config.Name, key, id))
	if codeOf(err) == minio.NoSuchUpload {
		return nil
	}
	return err
}

// abandon gives up an upload in parts, whatever became of ctx: the server would keep, and charge for, its parts.
func (s *S3) abandon(ctx context.Context, key, id string) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	err := s.abort(ctx, key, id)
	if err != nil {
		s.log.Warn("an upload in parts could not be given up: its parts stay in the bucket",
			"key", key, "upload", id, "error", err)
	}
	return err
}

// afterwards is the context of what is put in order when ctx may have ended. It lasts abortLimit, and only hurryLimit
// once ctx has ended: then the gateway is stopping, and has used up its time.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortLimit)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(hurryLimit, cancel) })
	return after, func() {
		stop()
		cancel()
	}
}

// newWrites is the transport for minio-go. Its limits are those of conn; a server may take six times first_byte to
// answer a write, since it makes the bytes durable first.
func newWrites(e endpoint, t Timeouts, bandwidth *rate.Limiter) *http.Transport {
	d := dialer{connect: t.Connect, first: 6 * t.FirstByte, stall: t.Stall, bandwidth: bandwidth}
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) { return d.dial(ctx, addr) }
	return &http.Transport{
		DialContext: dial, TLSClientConfig: e.tls.Clone(), TLSHandshakeTimeout: t.Connect,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: idleConn, WriteBufferSize: 64 << 10,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
}
