//go:build !unix

package writeback

import "os"

// createFile makes a new file.
func createFile(path string, flags int) (*os.File, error) {
	return os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600)
}

func rename(from, to string) error { return os.Rename(from, to) }
