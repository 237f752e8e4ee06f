package cache

import (
	"os"

	"golang.org/x/sys/unix"
)

// SendFile sends up to max bytes of a file from off on to a socket that does not block, for those who implement
// FileBody. 0 and nil mean that the file ends there; a socket that takes nothing is unix.EAGAIN.
func SendFile(socket, file uintptr, off, max int64) (int, error) {
	for {
		at := off
		n, err := unix.Sendfile(int(socket), int(file), &at, int(min(max, maxSend)))
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, err
		default:
			return 0, os.NewSyscallError("sendfile", err)
		}
	}
}

// maxSend is what one call moves at most: as much as the kernel itself allows.
const maxSend = 1 << 30
