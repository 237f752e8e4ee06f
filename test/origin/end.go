package origin

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// arriveWithin bounds the wait for a client to take what was written before its connection is reset.
const arriveWithin = 10 * time.Second

// close ends the connection. That it may have ended already does not matter.
func (c *conn) close(end End) {
	switch end {
	case Reset:
		if tcp, ok := c.tcp.(*net.TCPConn); ok {
			c.arrive(tcp)
			_ = tcp.SetLinger(0)
		}
		_ = c.tcp.Close()
	case Close:
		if secure, ok := c.net.(*tls.Conn); ok {
			_ = secure.CloseWrite()
		}
		_ = c.tcp.Close()
	default:
		_ = c.tcp.Close()
	}
}

// arrive waits until the other side's system has all that was written: a reset throws away what it has not.
func (c *conn) arrive(tcp *net.TCPConn) {
	ctx, cancel := context.WithTimeout(c.ctx, arriveWithin)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for unsent(tcp) > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// unsent is how many bytes have not been acknowledged.
func unsent(tcp *net.TCPConn) int {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	var left int
	err = raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
	if err != nil {
		return 0
	}
	return left
}
