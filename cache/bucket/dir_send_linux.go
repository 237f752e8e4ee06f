package bucket

import (
	"os"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

var _ cache.FileBody = (*dirBody)(nil)

// sentTail is how many bytes at the end of a body are not left to the kernel: they are read first, then the file is
// looked at, and only if it is unchanged they are sent. One would do; so many cost no more and make a fuller packet.
const sentTail = 1 << 10

// SendTo implements cache.FileBody. The end of the file is handled as Read does. What the kernel has taken and not yet
// delivered is still the file's own memory: who writes over a file in place without cutting it first, within that time,
// writes into it unnoticed. Renaming a file over it and cutting it (as cp does) harm nothing.
func (b *dirBody) SendTo(fd uintptr, max int) (n int, err error) {
	if err := b.over(); err != nil {
		return 0, err
	}
	if b.left > sentTail {
		n, err = cache.SendFile(fd, uintptr(b.file), b.at, min(int64(max), b.left-sentTail))
		if n == 0 && err == nil {
			err = errCut
		}
	} else {
		n, err = b.sendTail(int(fd), max)
	}
	b.pass(n)
	return n, err
}

// sendTail sends from what is left, and its last byte only of a file that did not change.
func (b *dirBody) sendTail(fd, max int) (n int, err error) {
	var buf [sentTail]byte
	tail := buf[:min(int64(max), b.left)]
	if n, err := b.file.ReadAt(tail, b.at); n < len(tail) {
		return 0, orCut(err)
	}
	if int64(len(tail)) == b.left {
		if err := b.unchanged(); err != nil {
			return 0, err
		}
	}
	err = retried(func() (err error) {
		n, err = unix.Write(fd, tail)
		return err
	})
	if err == unix.EAGAIN {
		return 0, err
	}
	return n, os.NewSyscallError("write", err)
}
