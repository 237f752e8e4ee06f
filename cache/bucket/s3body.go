package bucket

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mirrorgate/cache"
)

var (
	errBodyClosed = errors.New("the body has been closed")
	errBuffered   = errors.New("what comes first of the body is to be read, not spliced")
)

// body reads an answer of a known length. Its end is io.EOF only after that many bytes. What has come with the header
// is in the exchange; a body that came whole needs no connection any more.
//
// Close may be called while a Read waits. What both touch, they touch under mu; bytes from the socket go past it,
// over a connection that is then closed and never used again.
type body struct {
	client *client
	conn   *readConn // nil: nothing is to come
	left   int64     // bytes to come from conn
	keeps  bool      // conn may be used again behind the end

	mu       sync.Mutex
	exchange *exchange // nil: buffered is none
	buffered int
	closed   bool
}

// served is an object and its body in one piece of memory.
type served struct {
	object cache.Object
	body   socketBody
}

// start takes the exchange over, for a body of that length.
func (b *body) start(x *exchange, length int64) {
	b.client, b.keeps = x.client, x.keeps()
	b.buffered = int(min(int64(x.to-x.at), length))
	if b.left = length - int64(b.buffered); b.left > 0 {
		b.conn, x.conn = x.conn, nil
	} else {
		// What came behind the body is nobody's answer.
		x.client.letGo(x.conn, x.began, b.keeps && b.buffered == x.to-x.at)
		x.conn = nil
	}
	if b.exchange = x; b.buffered == 0 {
		b.exchange = nil
		x.end(false)
	}
}

// Read gives io.EOF, together with the last bytes or after them, when the whole length has come.
func (b *body) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	n, done, err := b.take(p)
	b.mu.Unlock()
	if done {
		return n, err
	}
	n, err = b.conn.read(p[:min(int64(len(p)), b.left)], time.Time{})
	return n, b.came(n, err)
}

// take takes what is there. done: there is nothing to be read from the socket now.
func (b *body) take(p []byte) (n int, done bool, err error) {
	switch {
	case b.closed:
		return 0, true, errBodyClosed
	case b.buffered > 0:
		n = copy(p, b.exchange.rest()[:b.buffered])
		b.exchange.at += n
		if b.buffered -= n; b.buffered == 0 {
			b.exchange.end(false)
			b.exchange = nil
		}
	}
	if b.buffered == 0 && b.left == 0 {
		return n, true, io.EOF
	}
	return n, n > 0 || len(p) == 0, nil
}

// came counts bytes from the socket.
func (b *body) came(n int, err error) error {
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.finish()
		return io.EOF
	case err == nil:
		return nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return &cache.BucketError{Op: "get", Err: fmt.Errorf("body cut %d bytes before its end: %w", b.left, err)}
}

// finish lets the connection go behind the last byte.
func (b *body) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed && b.conn != nil {
		b.client.letGo(b.conn, time.Now(), b.keeps)
		b.conn = nil
	}
}

// Close lets the connection go, and closes it when not all has been read. A Read that is waiting ends with an error.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if b.conn != nil {
		b.client.letGo(b.conn, time.Time{}, false)
	}
	if b.exchange != nil {
		b.exchange.end(false)
		b.exchange = nil
	}
	return nil
}

// socketBody is a body over plain TCP, on a system that moves bytes between sockets, or one that has come whole.
type socketBody struct{ body }

// Buffered is how much Read gives without waiting; see cache.SocketBody.
func (b *socketBody) Buffered() int { return b.buffered }

// Arrived is how much has come besides; see cache.SocketBody.
func (b *socketBody) Arrived() int {
	if b.left == 0 {
		return 0
	}
	return b.conn.raw.arrived()
}

// SpliceTo moves bytes into a pipe; see cache.SocketBody.
func (b *socketBody) SpliceTo(fd uintptr, limit int) (int, error) {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	switch {
	case closed:
		return 0, errBodyClosed
	case b.buffered > 0:
		return 0, errBuffered
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.conn.move(fd, int(min(int64(limit), b.left)))
	return n, b.came(n, err)
}
