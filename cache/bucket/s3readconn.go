package bucket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

var (
	// errUnasked: a server that says something before it is asked would have its words taken for the next answer.
	errUnasked = errors.New("the server sent bytes that nobody asked for")
	errClosed  = errors.New("the server has closed the connection")
	// errUnsent comes with another error: the request was not sent, so another connection may be asked.
	errUnsent = errors.New("the connection could not be used")
)

// readConn is a connection over which a bucket is read, one request at a time, by one goroutine. Close may be called by
// any, and ends what waits.
//
// A request must be answered within first, and then no read may wait longer than stall. The limits roll, so a body may
// take as long as it likes.
type readConn struct {
	net.Conn // what requests and answers go through: TCP, or TLS over it
	tcp      *quietConn
	raw      *rawConn // nil where there is no way around Conn: over TLS, and on other systems

	first, stall time.Duration
	until        time.Time // the deadline that reads have
	since        time.Time // idle since; of the pool
}

// slack is by how much, of itself, a limit may be exceeded. A deadline that is set anew for each read costs more than
// many a read; so it is set anew only once the slack is used up.
const slack = 8

// arm lets no read wait for much longer than limit from now on, nor beyond deadline, if there is one.
func (c *readConn) arm(now time.Time, limit time.Duration, deadline time.Time) error {
	until := now.Add(limit + limit/slack)
	if !deadline.IsZero() && deadline.Before(now.Add(limit)) {
		until = deadline
	} else if left := c.until.Sub(now); left >= limit && left <= limit+limit/slack {
		return nil
	}
	c.until = until
	return c.tcp.SetReadDeadline(until)
}

// read reads what comes of an answer whose first byte has come.
func (c *readConn) read(p []byte, deadline time.Time) (int, error) {
	if err := c.arm(time.Now(), c.stall, deadline); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	return n, explain(err, "stall", c.stall)
}

// ask sends a request, and reads the first bytes of its answer into p.
func (c *readConn) ask(now time.Time, request, p []byte, deadline time.Time) (int, error) {
	if err := c.arm(now, c.first, deadline); err != nil {
		return 0, fmt.Errorf("%w: %w", errUnsent, err)
	}
	var n int
	var err error
	if c.raw != nil {
		n, err = c.raw.ask(c, request, p)
	} else {
		n, err = c.askThrough(request, p)
	}
	if err == io.EOF && n == 0 {
		err = errClosed
	}
	return n, explain(err, "first_byte", c.first)
}

func (c *readConn) askThrough(request, p []byte) (int, error) {
	if err := c.quiet(); err != nil {
		return 0, fmt.Errorf("%w: %w", errUnsent, err)
	}
	if err := c.send(request); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// send writes, and waits for a server that takes nothing no longer than the stall limit.
func (c *readConn) send(request []byte) error {
	if err := c.tcp.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return err
	}
	_, err := c.Write(request)
	return explain(err, "stall", c.stall)
}

// quiet tells whether nothing is left of an earlier answer, and the server has not closed. It does not wait.
func (c *readConn) quiet() error {
	c.tcp.polled = true
	var one [1]byte
	n, err := c.Conn.Read(one[:])
	c.tcp.polled = false
	switch {
	case n > 0:
		return errUnasked
	case errors.Is(err, errQuiet):
		return nil
	}
	return errClosed
}

// move moves up to limit bytes of a body into a pipe; see rawConn.move.
func (c *readConn) move(pipe uintptr, limit int) (int, error) {
	if err := c.arm(time.Now(), c.stall, time.Time{}); err != nil {
		return 0, err
	}
	n, err := c.raw.move(pipe, limit)
	return n, explain(err, "stall", c.stall)
}

// explain names the limit that a timeout has reached, and leaves other errors as they are.
func explain(err error, setting string, limit time.Duration) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &stallError{setting, limit}
	}
	return err
}

// quietConn is the TCP connection below a readConn, and below TLS.
type quietConn struct {
	*net.TCPConn
	polled bool // Read takes what is there already, and gives errQuiet if there is nothing
}

// Read waits for bytes, unless c is polled.
func (c *quietConn) Read(p []byte) (int, error) {
	if c.polled {
		return c.poll(p)
	}
	return c.TCPConn.Read(p)
}

// errQuiet is a timeout that passes: after any other error TLS would be of no use any more.
var errQuiet net.Error = quietError{}

type quietError struct{}

func (quietError) Error() string   { return "nothing has come" }
func (quietError) Timeout() bool   { return true }
func (quietError) Temporary() bool { return true }
