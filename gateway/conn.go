package gateway

import (
	"io"
	"net"
	"time"
)

// A client that takes nothing for this long is cut off. The limit is on each write, not on the answer: a slow client
// may take as long as it likes.
const clientStall = 60 * time.Second

// listener gives its connections a rolling write deadline.
type listener struct{ net.Listener }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp}, err
	}
	return c, err
}

// conn keeps TCPConn's ReadFrom, through which the kernel can move bodies.
type conn struct{ *net.TCPConn }

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(clientStall)); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}

func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if err := c.SetWriteDeadline(time.Now().Add(clientStall)); err != nil {
		return 0, err
	}
	return c.TCPConn.ReadFrom(r)
}
