package cache

import (
	"io"
	"os"
)

// Settled is implemented by a body that is a whole file of this machine, to which nobody will write any more. A bucket
// on the same disk may keep that file itself, under a second name, instead of a copy of its bytes.
type Settled interface {
	io.ReaderAt

	// File is the open file. It stays the caller's, who closes it, and may remove its name, when the Put has returned.
	File() *os.File

	// Known tells that nobody has written to the file since its MD5, in the Meta that comes with it, was made.
	Known() bool
}
