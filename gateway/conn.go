package gateway

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A client that takes nothing for this long is cut off, whatever limits.min_rate says.
const clientStall = 60 * time.Second

// What is read, at most, of a body that nobody asked for before its connection is closed. Closing it at once would be a
// reset, which may reach the client before the answer does (RFC 9112 section 9.6).
const (
	lingerBytes = 256 << 10
	lingerTime  = time.Second
)

// listener gives its connections the limits of clients that are too slow.
type listener struct {
	net.Listener
	pace  pace          // limits.min_rate
	stall time.Duration // clientStall
	pipes pipes
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return newConn(tcp, l)
	}
	return c, err
}

// conn is a client's connection.
type conn struct {
	*net.TCPConn
	in      inlet
	out     outlet
	pipes   *pipes
	lingers atomic.Bool            // the client may still be sending
	ending  atomic.Pointer[func()] // called by Close
}

func newConn(tcp *net.TCPConn, l *listener) (*conn, error) {
	c := &conn{TCPConn: tcp, pipes: &l.pipes}
	if err := errors.Join(c.in.open(tcp), c.out.open(tcp, l.pace, l.stall)); err != nil {
		_ = tcp.Close() // it is of no use
		return nil, err
	}
	return c, nil
}

// Write is called by one goroutine at a time, as fasthttp does.
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Read is called by one goroutine at a time, too, and by the same as SetReadDeadline.
func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

// SetReadDeadline holds for the reads to come.
func (c *conn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(t) }

// SetDeadline is SetReadDeadline for both directions.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// atClose has f called when the connection is closed, by whomever.
func (c *conn) atClose(f func()) { c.ending.Store(&f) }

// Close ends what was bound to the connection.
func (c *conn) Close() error {
	if end := c.ending.Swap(nil); end != nil {
		(*end)()
	}
	if c.lingers.Swap(false) && c.CloseWrite() == nil && c.TCPConn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerBytes) // what it sends does not matter
	}
	return c.TCPConn.Close()
}
