//go:build unix

package bucket

import (
	"io/fs"
	"syscall"
)

// openFlags keep the opening of a FIFO from waiting for its other end, and a terminal from becoming ours.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY

// inodeOf is the file's number on its disk.
func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}
