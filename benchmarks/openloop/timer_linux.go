package openloop

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Timer waits for points of time. It is the kernel's timer: those of Go's runtime may be a millisecond late when
// nothing else happens. It is used by one goroutine.
type Timer struct {
	ctx  context.Context
	fd   int
	file *os.File
	stop func() bool
}

// NewTimer returns a timer whose waits end with the context. The caller closes it.
func NewTimer(ctx context.Context) (*Timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	t := &Timer{ctx: ctx, fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	// A deadline ends Read, and unlike Close leaves the descriptor to its owner.
	t.stop = context.AfterFunc(ctx, func() { _ = t.file.SetReadDeadline(time.Now()) })
	return t, nil
}

// Wait returns at the time, at once if that has passed, or with the context's error.
func (t *Timer) Wait(until time.Time) error {
	left := time.Until(until)
	if left <= 0 || t.ctx.Err() != nil {
		return t.ctx.Err()
	}
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(left.Nanoseconds())}
	if err := unix.TimerfdSettime(t.fd, 0, &once, nil); err != nil {
		return err
	}
	var expired [8]byte
	_, err := t.file.Read(expired[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return t.ctx.Err()
	}
	return err
}

// Close frees the timer.
func (t *Timer) Close() error {
	t.stop()
	return t.file.Close()
}
