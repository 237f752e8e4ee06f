package bucket

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawConn asks over a TCP connection with system calls of its own, and moves bodies inside the kernel.
type rawConn struct {
	socket syscall.RawConn
	asking asking
	moving moving

	looking looking
}

// newRawConn gives nil where there is nothing to gain.
func newRawConn(c *net.TCPConn) *rawConn {
	socket, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	r := &rawConn{socket: socket}
	r.asking.step, r.moving.step, r.looking.step = r.asking.try, r.moving.try, r.looking.look
	return r
}

// ask is readConn.ask, deadlines aside. While an answer is awaited anyway, three steps are one wait: is the connection
// still as it was left, send, and receive. The first, which every request pays, is what keeps bytes that the server has
// sent of its own accord out of the next answer.
func (r *rawConn) ask(c *readConn, request, p []byte) (int, error) {
	a := &r.asking
	a.request, a.into, a.sent, a.n, a.err = request, p, 0, 0, nil
	err := r.socket.Read(a.step)
	sent := a.sent
	a.request, a.into = nil, nil
	switch {
	case err != nil:
		return 0, err
	case a.err != nil || sent == len(request):
		return a.n, a.err
	}
	if err := c.send(request[sent:]); err != nil { // the network takes less than a request: rare
		return 0, err
	}
	return c.Conn.Read(p)
}

// asking is one request on its way. The runtime calls step until it is true, with waits for the socket to become
// readable between.
type asking struct {
	step          func(fd uintptr) bool // try, made once
	request, into []byte
	sent, n       int
	err           error
}

func (a *asking) try(fd uintptr) bool {
	if a.sent == 0 {
		if a.err = a.send(int(fd)); a.err != nil || a.sent < len(a.request) {
			return true
		}
		return false // the answer cannot be there yet
	}
	a.n, a.err = receive(int(fd), a.into)
	return a.err != syscall.EAGAIN
}

func (a *asking) send(fd int) error {
	_, err := receive(fd, a.into[:1])
	switch err {
	case syscall.EAGAIN:
	case nil:
		return fmt.Errorf("%w: %w", errUnsent, errUnasked)
	case io.EOF:
		return fmt.Errorf("%w: %w", errUnsent, errClosed)
	default:
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	a.sent, err = syscall.Write(fd, a.request)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		a.sent = 0
		return nil
	}
	return os.NewSyscallError("write", err)
}

// receive is a read that does not wait. EAGAIN: nothing has come.
func receive(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, p)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case err == syscall.EAGAIN:
			return 0, syscall.EAGAIN
		case err != syscall.EINTR:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// move moves up to limit bytes from the socket into the pipe, and waits for some. 0 and nil: the pipe took nothing.
func (r *rawConn) move(pipe uintptr, limit int) (int, error) {
	m := &r.moving
	m.pipe, m.limit, m.n, m.err = int(pipe), limit, 0, nil
	if err := r.socket.Read(m.step); err != nil {
		return 0, err
	}
	return m.n, m.err
}

// moving is one piece of a body on its way.
type moving struct {
	step        func(fd uintptr) bool // try, made once
	pipe, limit int
	n           int
	err         error
}

func (m *moving) try(fd uintptr) bool {
	for full := false; ; {
		n, err := unix.Splice(int(fd), nil, m.pipe, nil, m.limit, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch {
		case n > 0:
			m.n = int(n)
			return true
		case err == nil:
			m.err = io.EOF
			return true
		case err == syscall.EAGAIN:
			// The socket has nothing, or the pipe is full: if there were bytes before, it is the pipe.
			if full || arrived(fd) == 0 {
				return full
			}
			full = true
		case err != syscall.EINTR:
			m.err = os.NewSyscallError("splice", err)
			return true
		}
	}
}

// arrived is how many bytes the socket has to read.
func (r *rawConn) arrived() int {
	if err := r.socket.Control(r.looking.step); err != nil {
		return 0 // it is closed: the next read says how
	}
	return r.looking.n
}

// looking is one look at the socket.
type looking struct {
	step func(fd uintptr) // look, made once
	n    int
}

func (l *looking) look(fd uintptr) { l.n = arrived(fd) }

// arrived is how many bytes the socket has to read (FIONREAD).
func arrived(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// poll reads without waiting.
func (c *quietConn) poll(p []byte) (n int, err error) {
	socket, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := socket.Read(func(fd uintptr) bool {
		n, err = receive(int(fd), p)
		return true
	})
	switch {
	case failed != nil:
		return 0, failed
	case err == syscall.EAGAIN:
		return 0, errQuiet
	}
	return n, err
}
