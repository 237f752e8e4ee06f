package main

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// segment is as many bytes as a packet has over a network. Those of this machine to itself have 64 KiB: who holds less
// at a time would wait for the timers of the kernel.
const segment = 1448

// narrow bounds what the kernel holds for a socket that sends (unix.SO_SNDBUF) or receives (unix.SO_RCVBUF), as over
// something like a network; 0: as it is. It must be said before the socket connects or listens.
func narrow(option, bytes int) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		if bytes == 0 {
			return nil
		}
		return errors.Join(setInt(c, unix.SOL_SOCKET, option, bytes), setInt(c, unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment))
	}
}

func setInt(c syscall.RawConn, level, option, value int) (err error) {
	failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, value) })
	return errors.Join(failed, err)
}
