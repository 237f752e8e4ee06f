package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"mirrorgate/cache"
)

const (
	// firstRead holds the header and a small body, so that both come in one read. Of a large body it is what is not moved
	// inside the kernel.
	firstRead = 4 << 10
	// maxHeader is how long the header of an answer may be, with those of interim answers (1xx) before it.
	maxHeader = 16 << 10
)

// exchange is one request and its answer. It is used again for other requests: nobody keeps parts of it.
type exchange struct {
	client *client
	conn   *readConn // nil: let go
	method string
	began  time.Time

	signature signature
	request   []byte
	head      answerHead
	text      []byte        // see stored
	user      []cache.Field // see stored

	first  [firstRead]byte
	buf    []byte // what was read: first, or a larger one for a long header
	at, to int    // of buf, what has been read and not taken
}

// over sends the request over conn, and reads the header of the answer. conn belongs to the exchange if that succeeds,
// and is closed if not.
func (x *exchange) over(ctx context.Context, conn *readConn) error {
	x.buf, x.at, x.to = x.first[:], 0, 0
	err := x.receive(ctx, conn)
	if err != nil {
		_ = conn.Close() // what was under way is lost already
		return err
	}
	x.conn = conn
	return nil
}

func (x *exchange) receive(ctx context.Context, conn *readConn) error {
	deadline, _ := ctx.Deadline()
	n, err := conn.ask(x.began, x.request, x.buf, deadline)
	if x.to = n; err != nil {
		return err
	}
	for {
		switch n, err := x.head.parse(x.buf[x.at:x.to]); {
		case err == nil && (x.head.status >= 200 || x.head.status == 101):
			x.at += n
			return nil
		case err == nil:
			x.at += n // an interim answer
		case err != errMore:
			return err
		default:
			if err := x.more(conn, deadline); err != nil {
				return err
			}
		}
	}
}

// more reads more of the header.
func (x *exchange) more(conn *readConn, deadline time.Time) error {
	if x.to == len(x.buf) {
		if x.to >= maxHeader {
			return fmt.Errorf("the answer's header has more than %d bytes", maxHeader)
		}
		larger := make([]byte, min(2*len(x.buf), maxHeader))
		copy(larger, x.buf)
		x.buf = larger
	}
	n, err := conn.read(x.buf[x.to:], deadline)
	if x.to += n; n == 0 && err == io.EOF {
		return fmt.Errorf("the answer is cut in its header: %w", io.ErrUnexpectedEOF)
	}
	if n > 0 {
		return nil
	}
	return err
}

// stale tells that a request over an idle connection failed because the server had closed it: no byte of an answer has
// come.
func (x *exchange) stale(err error) bool { return x.to == 0 && !isTimeout(err) }

// rest is what has come of the body with the header.
func (x *exchange) rest() []byte { return x.buf[x.at:x.to] }

// Read reads the body of an answer as it comes, whatever its form.
func (x *exchange) Read(p []byte) (int, error) {
	if x.at < x.to {
		n := copy(p, x.rest())
		x.at += n
		return n, nil
	}
	return x.conn.read(p, time.Time{})
}

// keeps tells whether the connection may be used again when the answer has been read to its end.
func (x *exchange) keeps() bool { return !x.head.old && !x.head.closes && x.head.status != 101 }

// end gives all back. The connection is kept if the answer was read to its end and nothing came behind it.
func (x *exchange) end(whole bool) {
	if x.conn != nil {
		x.client.letGo(x.conn, x.began, whole && x.at == x.to && x.keeps())
		x.conn = nil
	}
	x.buf = nil
	x.client.reuse(x)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
