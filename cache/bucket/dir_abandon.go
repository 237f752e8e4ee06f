package bucket

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// missing lists the directories that have to be made for a bucket in path, those that hold others first.
func missing(path string) (dirs []string) {
	for _, inner := range []string{tempDir, recordDir, asideDir} {
		var above []string
		for dir := filepath.Join(path, inner); !exists(dir); dir = filepath.Dir(dir) {
			above = append(above, dir)
		}
		for _, dir := range slices.Backward(above) {
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

func exists(dir string) bool {
	_, err := os.Lstat(dir)
	return !errors.Is(err, fs.ErrNotExist)
}

// Abandon closes a bucket that was opened and is not used after all. The directories that it has made are removed, as
// far as nobody has put anything there since.
func (d *Dir) Abandon() error {
	err := d.Close()
	unmake(d.made)
	return err
}

// unmake removes directories that were missing, up to the first in which there is something.
func unmake(made []string) {
	for _, dir := range slices.Backward(made) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}
