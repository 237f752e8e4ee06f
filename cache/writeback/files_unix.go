//go:build unix

package writeback

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// createFile makes a new file. Unlike os.OpenFile it does not try whether the file can be waited for, which for plain
// files costs five system calls and never is the case.
func createFile(path string, flags int) (*os.File, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case err != unix.EINTR:
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// rename does what os.Rename does, without a look at what is there: nothing, or a file that is to be replaced.
func rename(from, to string) error {
	for {
		err := unix.Rename(from, to)
		switch {
		case err == nil:
			return nil
		case err != unix.EINTR:
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}
