package main

import (
	"context"
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pace sends the time at which each of count requests is due, and closes the channel after the last. The channel must
// hold them all: who is late must not delay the next. The timer is the kernel's: those of Go's runtime may be a
// millisecond late when nothing else happens.
func pace(ctx context.Context, interval time.Duration, count int, due chan<- time.Time) (err error) {
	defer close(due)
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return err
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	defer timer.Close()
	defer context.AfterFunc(ctx, func() { _ = timer.Close() })() // which ends Read
	every := unix.NsecToTimespec(interval.Nanoseconds())
	begin := time.Now()
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return err
	}
	var expired [8]byte
	for sent := 0; sent < count; {
		if _, err := timer.Read(expired[:]); err != nil {
			return err
		}
		for range binary.NativeEndian.Uint64(expired[:]) {
			if sent == count {
				break
			}
			sent++
			due <- begin.Add(time.Duration(sent) * interval)
		}
	}
	return nil
}
