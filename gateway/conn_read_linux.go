package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// readsAhead tells that a read of one byte, with which a fasthttp that saves memory waits for a request, is no system
// call of its own.
const readsAhead = true

// ahead is how many bytes are read when fewer are asked for: the whole header of a usual request.
const ahead = 4 << 10

var aheads = sync.Pool{New: func() any { return new([ahead]byte) }}

// inlet receives from a client. It has a buffer only while there are bytes in it, so an idle client has none, and its
// deadline is set only when it waits. One goroutine at a time may use it.
type inlet struct {
	socket *net.TCPConn
	raw    syscall.RawConn
	step   func(fd uintptr) bool // bound once: each method value is an allocation

	deadline time.Time // that was asked for; zero: none
	armed    time.Time // that the socket has: the same or an earlier one, or none

	// What was read ahead: held[from:to].
	held     *[ahead]byte
	from, to int

	// The read under way.
	p   []byte
	n   int
	err error
}

func (i *inlet) open(socket *net.TCPConn) (err error) {
	i.socket, i.step = socket, i.try
	i.raw, err = socket.SyscallConn()
	return err
}

func (i *inlet) setDeadline(t time.Time) error {
	i.deadline = t
	return nil
}

func (i *inlet) read(p []byte) (int, error) {
	if i.held != nil || len(p) == 0 {
		return i.take(p), nil
	}
	i.p = p
	for {
		err := i.raw.Read(i.step)
		switch {
		case err == nil:
			i.p = nil
			return i.n, i.err
		case !errors.Is(err, os.ErrDeadlineExceeded) || i.isLate():
			i.p = nil
			return 0, err
		}
		if err := i.socket.SetReadDeadline(i.deadline); err != nil { // the one before was earlier
			return 0, err
		}
		i.armed = i.deadline
	}
}

// isLate tells whether the deadline that was asked for is over.
func (i *inlet) isLate() bool { return !i.deadline.IsZero() && !time.Now().Before(i.deadline) }

// take gives what was read ahead, and the buffer back once that is all.
func (i *inlet) take(p []byte) int {
	if i.held == nil {
		return 0
	}
	n := copy(p, i.held[i.from:i.to])
	if i.from += n; i.from == i.to {
		aheads.Put(i.held)
		i.held = nil
	}
	return n
}

// try is called until it returns true, each time when there may be something to read.
func (i *inlet) try(fd uintptr) bool {
	if len(i.p) >= ahead {
		i.n, i.err = receive(fd, i.p)
	} else {
		i.held = aheads.Get().(*[ahead]byte)
		i.from = 0
		i.to, i.err = receive(fd, i.held[:])
		i.n = i.take(i.p)
	}
	if i.err != syscall.EAGAIN {
		return true
	}
	i.err = i.arm()
	return i.err != nil
}

// arm sets the deadline before a wait, unless the socket has one that is earlier: when that is over, it is set anew.
func (i *inlet) arm() error {
	if i.armed.Equal(i.deadline) || !i.armed.IsZero() && i.armed.Before(i.deadline) {
		return nil
	}
	i.armed = i.deadline
	return i.socket.SetReadDeadline(i.deadline)
}

// receive reads what there is, or says syscall.EAGAIN.
func receive(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case err == nil && n == 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		case err == syscall.EAGAIN:
			return 0, err
		case err != syscall.EINTR:
			return 0, os.NewSyscallError("read", err)
		}
	}
}
