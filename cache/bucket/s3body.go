package bucket

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// body reads an answer of a known length. Its end is io.EOF only after that many bytes.
type body struct {
	client *client
	resp   *fasthttp.Response
	stream io.Reader
	left   int64
	closed atomic.Bool
}

func newBody(c *client, resp *fasthttp.Response, length int64) *body {
	return &body{client: c, resp: resp, stream: resp.BodyStream(), left: length}
}

// Read gives io.EOF, together with the last bytes or after them, when the whole length has come.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.stream.Read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, io.EOF
	case err == nil:
		return n, nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, &cache.BucketError{Op: "get", Err: fmt.Errorf("body cut %d bytes before its end: %w", b.left, err)}
}

// Close lets the connection go. A Read that is waiting ends with an error.
func (b *body) Close() error {
	if !b.closed.Swap(true) {
		b.client.release(b.resp)
	}
	return nil
}
