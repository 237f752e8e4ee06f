package bucket

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// conn is a TCP connection for writes. It fails when nothing moves: a request must be answered within first, and then
// no read or write may wait longer than stall. The limits roll, so a body may take as long as it likes; HTTP clients'
// own timeouts are one deadline over the whole answer.
//
// It follows requests by their writes: the first write after a read begins a request.
type conn struct {
	net.Conn
	first, stall time.Duration

	awaiting atomic.Bool // a request was written and no byte of its answer has come
}

func newConn(c net.Conn, first, stall time.Duration) *conn {
	return &conn{Conn: c, first: first, stall: stall}
}

// stallError says which limit a connection failed.
type stallError struct {
	setting string
	limit   time.Duration
}

func (e *stallError) Error() string {
	return fmt.Sprintf("nothing moved for %s (timeouts.%s)", e.limit, e.setting)
}

// Timeout makes it a timeout for the HTTP clients.
func (e *stallError) Timeout() bool { return true }

// Temporary is part of net.Error.
func (e *stallError) Temporary() bool { return true }

// SetReadDeadline shortens the wait for the first byte of the answer to the request just written. It does not bound a
// body, and an earlier limit of c stands.
func (c *conn) SetReadDeadline(t time.Time) error {
	if t.IsZero() || !c.awaiting.Load() || t.After(time.Now().Add(c.first)) {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline does nothing: every write has its own.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is SetReadDeadline.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// Write begins or continues a request.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.touch(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	return n, c.explain(err, "stall", c.stall)
}

// writeStep is how much of a body may take stall to be taken by the network.
const writeStep = 64 << 10

// ReadFrom writes r's bytes with the deadlines of Write.
func (c *conn) ReadFrom(r io.Reader) (total int64, err error) {
	for {
		if err := c.touch(); err != nil {
			return total, err
		}
		n, err := io.CopyN(c.Conn, r, writeStep)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, c.explain(err, "stall", c.stall)
		}
	}
}

// touch sets both deadlines at a write; a read that is waiting already sees the new one.
func (c *conn) touch() error {
	now := time.Now()
	c.awaiting.Store(true)
	if err := c.Conn.SetReadDeadline(now.Add(c.first)); err != nil {
		return err
	}
	return c.Conn.SetWriteDeadline(now.Add(c.stall))
}

// Read waits at most stall for bytes; for the first ones of an answer the write has set the deadline.
func (c *conn) Read(p []byte) (int, error) {
	setting, limit := "first_byte", c.first
	if !c.awaiting.Load() {
		setting, limit = "stall", c.stall
		if err := c.Conn.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.awaiting.Store(false)
	}
	return n, c.explain(err, setting, limit)
}

// explain leaves io.EOF and all but timeouts as they are.
func (c *conn) explain(err error, setting string, limit time.Duration) error {
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return &stallError{setting, limit}
	}
	return err
}
