package writeback

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Holder tells which process has the directory dir, as OpenSpool takes it; "": none has. It changes nothing.
func Holder(dir string) (process string, err error) {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close() // and with it what lock is taken here
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return "", err
	}
	holder, err := io.ReadAll(io.LimitReader(f, 20))
	return strings.TrimSpace(string(holder)), err
}

// Remembered returns the ids of the uploads in parts that the spool of the directory dir knows of, and will complete or
// give up by itself. It only reads, and may be called while a process has the directory. Where no spool has ever been
// nobody can tell what it knows: that is an error.
func Remembered(dir string) (ids map[string]bool, err error) {
	folder := filepath.Join(dir, "spool", "uploads")
	files, err := namesIn(folder)
	if err != nil {
		return nil, err
	}
	ids = make(map[string]bool)
	for _, file := range files {
		begun, _, _, err := readCheckpoint(filepath.Join(folder, file))
		switch {
		case err == nil:
			ids[begun.ID] = true
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged): // it may have ended meanwhile
			return nil, err
		}
	}
	return ids, nil
}
