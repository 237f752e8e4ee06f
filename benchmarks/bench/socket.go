package main

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// bufferOf bounds what the kernel holds for a socket, unless bytes is 0. It must be said before the socket connects or
// listens.
func bufferOf(option, bytes int) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		if bytes == 0 {
			return nil
		}
		failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, bytes) })
		return errors.Join(failed, err)
	}
}
