package bucket

import (
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// paceStep is how much a connection sends at one time under a limit of bandwidth. It is small, so that many
// connections which share a low limit each move often enough for the server not to take them for stalled.
const paceStep = 16 << 10

// newBandwidth allows perSecond bytes, and bursts of a twentieth of a second: a timer that fires late loses nothing.
func newBandwidth(perSecond int64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), int(max(paceStep, min(perSecond/20, 16<<20))))
}

// pacedConn sends no faster than a limit that it shares with others.
type pacedConn struct {
	*conn
	limit  *rate.Limiter
	closed chan struct{}
	once   sync.Once
}

func newPacedConn(c *conn, limit *rate.Limiter) *pacedConn {
	return &pacedConn{conn: c, limit: limit, closed: make(chan struct{})}
}

// Write sends p step by step.
func (c *pacedConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		step := p[:min(len(p), paceStep)]
		if err := c.wait(len(step)); err != nil {
			return written, err
		}
		var n int
		n, err = c.conn.Write(step)
		written, p = written+n, p[n:]
	}
	return written, err
}

// ReadFrom sends r through Write.
func (c *pacedConn) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{r}, make([]byte, paceStep))
}

// wait waits for n bytes' turn. The answer cannot come meanwhile, so its limit counts from the end of the wait.
func (c *pacedConn) wait(n int) error {
	delay := c.limit.ReserveN(time.Now(), n).Delay()
	if delay <= 0 {
		return nil
	}
	if err := c.conn.Conn.SetReadDeadline(time.Now().Add(delay + c.first)); err != nil {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

// Close ends a wait, too.
func (c *pacedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.conn.Close()
}
