package bucket

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
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

// inParts writes with a multipart upload. The condition belongs to its end; beginning one changes nothing.
func (w *upload) inParts(ctx context.Context) error {
	id, err := w.sdk.NewMultipartUpload(ctx, w.config.Name, w.key, w.options)
	if err != nil {
		return fromSDK("put", err)
	}
	parts, err := w.sendParts(ctx, id)
	if err == nil && w.guarded {
		err = w.look(ctx)
	}
	if err == nil {
		var options minio.PutObjectOptions
		w.condition(&options)
		_, err = w.sdk.CompleteMultipartUpload(ctx, w.config.Name, w.key, id, parts, options)
		err = fromSDK("put", err)
	}
	if err != nil {
		w.abort(ctx, w.key, id)
	}
	return err
}

func (w *upload) sendParts(ctx context.Context, id string) ([]minio.CompletePart, error) {
	size := partSizeFor(w.meta.Size, w.partSize)
	parts := make([]minio.CompletePart, (w.meta.Size+size-1)/size)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelParts)
	for i := range parts {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			start := int64(i) * size
			etag, err := w.sendPart(ctx, id, i+1, start, min(size, w.meta.Size-start))
			parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: etag}
			return err
		})
	}
	return parts, group.Wait()
}

func (w *upload) sendPart(ctx context.Context, id string, number int, start, length int64) (etag string, err error) {
	sum, err := sumMD5(w.body, start, length)
	if err != nil {
		return "", err
	}
	r := io.NewSectionReader(w.body, start, length)
	part, err := w.sdk.PutObjectPart(ctx, w.config.Name, w.key, id, number, r, length,
		minio.PutObjectPartOptions{Md5Base64: sum, DisableContentSha256: true})
	return part.ETag, fromSDK("put part", err)
}

// abort gives up an upload in parts, whatever became of ctx: the server would keep, and charge for, its parts.
func (s *S3) abort(ctx context.Context, key, id string) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	err := s.sdk.AbortMultipartUpload(ctx, s.config.Name, key, id)
	if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchUpload {
		s.log.Warn("an upload in parts could not be given up: its parts stay in the bucket", "key", key, "error", err)
	}
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
func newWrites(e endpoint, t Timeouts) *http.Transport {
	d := dialer{connect: t.Connect, first: 6 * t.FirstByte, stall: t.Stall}
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) { return d.dial(ctx, addr) }
	return &http.Transport{
		DialContext: dial, TLSClientConfig: e.tls.Clone(), TLSHandshakeTimeout: t.Connect,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: idleConn, WriteBufferSize: 64 << 10,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
}
