package bucket

import (
	"bufio"
	"io"
	"net/http/httputil"
)

// refusal reads the error in the body of the answer, and ends the exchange.
func (x *exchange) refusal() refusal {
	body := x.errorBody()
	r := parseRefusal(x.head.status, body)
	if size := sizeOf(string(x.head.contentRange)); size >= 0 {
		r.Size = &size
	}
	x.end(body.whole())
	return r
}

// errorBody is a body of any form. That of an object always has a length, so this is where chunks are read.
type errorBody struct {
	from    io.Reader
	limited *io.LimitedReader // from, of a body with a length; or nil
	chunks  *bufio.Reader     // below from, of a body in chunks; or nil
	ended   bool

	// doubtful: the end of the connection ends it, or somebody else might read another end.
	doubtful bool
}

func (x *exchange) errorBody() *errorBody {
	h := &x.head
	switch {
	case h.bodiless(x.method):
		b := &io.LimitedReader{R: x}
		return &errorBody{from: b, limited: b}
	case h.chunked:
		lines := bufio.NewReaderSize(x, firstRead)
		return &errorBody{from: httputil.NewChunkedReader(lines), chunks: lines, doubtful: h.length >= 0}
	case h.coded || h.length < 0:
		return &errorBody{from: x, doubtful: true}
	}
	b := &io.LimitedReader{R: x, N: h.length}
	return &errorBody{from: b, limited: b}
}

func (b *errorBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.ended = b.ended || err == io.EOF
	return n, err
}

// whole tells whether the body has been read to its end, and nothing came behind it.
func (b *errorBody) whole() bool {
	switch {
	case !b.ended || b.doubtful:
		return false
	case b.limited != nil:
		return b.limited.N == 0
	}
	// The line that ends a body in chunks; there may be trailers instead, of which nothing is known.
	last, err := b.chunks.Peek(b.chunks.Buffered())
	return err == nil && string(last) == "\r\n"
}
