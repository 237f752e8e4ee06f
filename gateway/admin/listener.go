package admin

import (
	"net"
	"time"
)

// listener gives up connections on which nothing of an answer gets away for a time. How long an answer takes to be made
// does not count, unlike with http.Server.WriteTimeout: pulling a thousand objects takes its time.
type listener struct {
	net.Listener
	writeWithin time.Duration
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c, l.writeWithin}, nil
}

type conn struct {
	net.Conn
	writeWithin time.Duration
}

// Write implements net.Conn.
func (c conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.writeWithin)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
