package bucket

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One system call opens what os.Root opens, and refuses what that refuses, also where the kernel lacks it.
func TestDirOpensAsRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bucket")
	makeOdd(t, path)
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	quick, err := newOpener(root)
	if err != nil {
		t.Fatal(err)
	}
	defer quick.close()
	if quick.folder == nil {
		t.Error("this kernel lacks openat2")
	}
	for _, name := range []string{
		"file", "folder/file", "folder", ".", "absent", "folder/absent", "absent/file", "file/below", "socket",
		"in", "up", "abs", "out", "outdir/secret", "folderlink/file", "folderlink", "absdir/file", "loop", "dangling",
		"chain", "upfolder/file", "folder/../file", "../secret", "/etc/hostname", strings.Repeat("x", 300), "closed",
	} {
		want := whatOpens(func() (io.ReadCloser, error) { return root.OpenFile(name, os.O_RDONLY|openFlags, 0) })
		for how, o := range map[string]*opener{"quick": quick, "by root": {root: root}} {
			got := whatOpens(func() (io.ReadCloser, error) {
				f, err := o.open(name)
				return &whole{SectionReader: io.NewSectionReader(f, 0, 1<<10), file: f}, err
			})
			if got != want {
				t.Errorf("%s %.20s: %s, os.Root: %s", how, name, got, want)
			}
		}
	}
}

type whole struct {
	*io.SectionReader
	file file
}

func (w *whole) Close() error { return w.file.close() }

// whatOpens tells what opening gives: bytes, or the error without the call's name.
func whatOpens(open func() (io.ReadCloser, error)) string {
	f, err := open()
	if err == nil {
		data, readErr := io.ReadAll(f)
		err = readErr
		if closeErr := f.Close(); err == nil && closeErr == nil {
			return "bytes " + string(data)
		}
	}
	var number syscall.Errno
	var path *fs.PathError
	switch {
	case errors.As(err, &number):
		return "error " + number.Error()
	case errors.As(err, &path):
		return "error " + path.Err.Error()
	}
	return "error " + err.Error()
}

// makeOdd makes a folder with all that can be in the way of a file, and a secret beside it.
func makeOdd(t *testing.T, path string) {
	t.Helper()
	writeFile(t, filepath.Join(path, "../secret"), "secret", time.Now())
	writeFile(t, filepath.Join(path, "file"), "a file", time.Now())
	writeFile(t, filepath.Join(path, "closed"), "a file", time.Now())
	writeFile(t, filepath.Join(path, "folder/file"), "a file below", time.Now())
	for name, target := range map[string]string{
		"in": "file", "up": "folder/../file", "abs": filepath.Join(path, "file"), "out": "../secret", "outdir": "..",
		"folderlink": "folder", "absdir": filepath.Join(path, "folder"), "loop": "loop", "dangling": "nothing",
		"chain": "folderlink/file", "folder/up": "../file", "upfolder": "folder/../folder",
	} {
		if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.Chmod(filepath.Join(path, "closed"), 0),
		syscall.Mknod(filepath.Join(path, "socket"), syscall.S_IFSOCK|0o644, 0),
	); err != nil {
		t.Fatal(err)
	}
}
