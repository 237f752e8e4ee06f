package bucket

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"

	"mirrorgate/cache"
)

// bodyError is a failure of the body that is put, not of the bucket.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }

func (e *bodyError) Unwrap() error { return e.err }

// proven waits until the end of a body that is still arriving is proven. Nothing may become visible before.
func (w *upload) proven(ctx context.Context) error { return proven(ctx, w.body) }

// arriving tells whether the body may still arrive.
func (w *upload) arriving() bool {
	_, ok := w.body.(cache.Proof)
	return ok
}

func proven(ctx context.Context, body io.ReaderAt) error {
	p, ok := body.(cache.Proof)
	if !ok {
		return nil
	}
	if err := p.Proven(ctx); err != nil {
		return &bodyError{fmt.Errorf("the end of the body is not proven: %w", err)}
	}
	return nil
}

// sumMD5 reads the section once, waiting for bytes that have not come; sending it reads it again, from the page cache.
func sumMD5(ctx context.Context, body io.ReaderAt, start, length int64) (string, error) {
	h := md5.New()
	n, err := io.Copy(h, &heedful{ctx, io.NewSectionReader(body, start, length)})
	if err == nil && n < length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", &bodyError{fmt.Errorf("read the body at byte %d: %w", start+n, err)}
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// heedful reads until ctx ends.
type heedful struct {
	ctx context.Context
	r   io.Reader
}

// Read ends with the error of the context.
func (h *heedful) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.r.Read(p)
}
