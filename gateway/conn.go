package gateway

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A client that takes nothing for this long is cut off, whatever limits.min_rate says.
const clientStall = 60 * time.Second

// writePiece is how many bytes are written under one deadline.
const writePiece = 16 << 10

// What is read, at most, of a body that nobody asked for before its connection is closed. Closing it at once would be a
// reset, which may reach the client before the answer does (RFC 9112 section 9.6).
const (
	lingerBytes = 256 << 10
	lingerTime  = time.Second
)

// listener gives its connections a rolling write deadline, and limits.min_rate.
type listener struct {
	net.Listener
	rate int64 // bytes per second
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp, pace: pace{rate: l.rate}}, err
	}
	return c, err
}

// conn is a client's connection.
type conn struct {
	*net.TCPConn
	pace    pace
	lingers atomic.Bool            // the client may still be sending
	ending  atomic.Pointer[func()] // called by Close
}

// Write is called by one goroutine at a time, as fasthttp does.
func (c *conn) Write(p []byte) (written int, err error) {
	for {
		began := time.Now()
		if err := c.SetWriteDeadline(began.Add(clientStall)); err != nil {
			return written, err
		}
		n, err := c.TCPConn.Write(p[written:min(len(p), written+writePiece)])
		written += n
		if err == nil {
			err = c.pace.add(n, time.Since(began))
		}
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// atClose has f called when the connection is closed, by whomever.
func (c *conn) atClose(f func()) { c.ending.Store(&f) }

// Close ends what was bound to the connection.
func (c *conn) Close() error {
	if end := c.ending.Swap(nil); end != nil {
		(*end)()
	}
	if c.lingers.Swap(false) && c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerBytes) // what it sends does not matter
	}
	return c.TCPConn.Close()
}
