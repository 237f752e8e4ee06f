package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mover moves some bytes into a socket, which does not block: syscall.EAGAIN says that the socket takes nothing.
type mover interface {
	move(fd uintptr) (int, error)
}

// outlet sends to a client. It asks the socket first, and has neither clock nor deadline until that takes nothing; what
// counts then is what the client has acknowledged, since a socket with a long queue says for minutes that it is full
// while a slow client takes it steadily. One goroutine at a time may use it.
type outlet struct {
	socket *net.TCPConn
	raw    syscall.RawConn
	step   func(fd uintptr) bool // bound once: each method value is an allocation
	pace   pace
	stall  time.Duration
	joins  bool // see joinNext

	// The move under way.
	mover mover
	piece piece
	n     int
	err   error

	// While it waits.
	waits  bool
	began  time.Time
	took   time.Time // when the client last took something
	queued int       // bytes that it has not acknowledged
}

func (o *outlet) open(socket *net.TCPConn, pace pace, stall time.Duration) (err error) {
	o.socket, o.pace, o.stall, o.step = socket, pace, stall, o.try
	o.raw, err = socket.SyscallConn()
	return err
}

// write sends all of p, by one system call if the socket takes it all. After joinNext it may leave with what is sent
// next.
func (o *outlet) write(p []byte) (written int, err error) {
	o.piece.joins, o.joins = o.joins, false
	for written < len(p) && err == nil {
		var n int
		o.piece.bytes = p[written:]
		n, err = o.send(&o.piece)
		written += n
	}
	o.piece.bytes = nil
	return written, err
}

// joinNext has the next write wait in the socket for bytes that are sent at once behind it: they leave as one segment
// then. Without such bytes the kernel would keep its end back for 200 ms.
func (o *outlet) joinNext() { o.joins = true }

// piece is bytes of this process.
type piece struct {
	bytes []byte
	joins bool // with those that come next
}

func (p *piece) move(fd uintptr) (n int, err error) {
	if p.joins {
		n, err = unix.SendmsgN(int(fd), p.bytes, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
	} else {
		n, err = syscall.Write(int(fd), p.bytes)
	}
	if err == syscall.EAGAIN {
		return 0, err
	}
	return n, os.NewSyscallError("write", err)
}

// send has m moved once, and waits until the socket takes some of it. It returns what m did.
func (o *outlet) send(m mover) (int, error) {
	o.mover = m
	for {
		err := o.raw.Write(o.step)
		if !o.waits && err == nil {
			return o.n, o.err
		}
		if again, clear := errors.Is(err, os.ErrDeadlineExceeded), o.socket.SetWriteDeadline(time.Time{}); !again {
			return o.ended(errors.Join(err, clear))
		}
	}
}

// ended is the end of a move that waited, or that there was no socket for.
func (o *outlet) ended(err error) (int, error) {
	o.waits = false
	if err != nil {
		return 0, err
	}
	return o.n, o.err
}

// try is called until it returns true, each time when the socket may take something. A deadline that is over, too, has
// it called again: it sees whether the client took anything meanwhile.
func (o *outlet) try(fd uintptr) bool {
	if o.waits {
		if o.n, o.err = 0, o.look(int(fd)); o.err != nil {
			return true
		}
	}
	for {
		o.n, o.err = o.mover.move(fd)
		o.n = max(0, o.n)
		switch {
		case o.err == nil || o.n > 0:
			return true
		case errors.Is(o.err, syscall.EINTR):
		case errors.Is(o.err, syscall.EAGAIN):
			if !o.waits {
				o.wait(int(fd))
			}
			o.err = o.socket.SetWriteDeadline(o.took.Add(o.stall))
			return o.err != nil
		default:
			return true
		}
	}
}

// wait notes when and with what the waiting begins.
func (o *outlet) wait(fd int) {
	o.waits, o.began = true, time.Now()
	o.took, o.queued = o.began, unacknowledged(fd)
}

// look judges a client that was waited for: by what it took since the last look.
func (o *outlet) look(fd int) error {
	now, queued := time.Now(), unacknowledged(fd)
	moved, waited := max(0, o.queued-queued), now.Sub(o.began)
	o.began, o.queued = now, queued
	if moved > 0 {
		o.took = now
	}
	if err := o.pace.add(moved, waited); err != nil {
		return err
	}
	if quiet := now.Sub(o.took); quiet >= o.stall {
		return fmt.Errorf("took nothing for %s: %w", quiet.Round(time.Millisecond), os.ErrDeadlineExceeded)
	}
	return nil
}

// unacknowledged is how many bytes the client's end has not taken yet.
func unacknowledged(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0 // a socket that is broken: the next move says how
	}
	return n
}
