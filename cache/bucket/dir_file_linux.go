package bucket

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// file is an open file: the bare descriptor. An os.File would ask the kernel to watch it, which the kernel refuses for
// files, and that costs more than reading a small one.
type file int

// opener opens files below a folder for reading, with one system call. It gives what the folder's os.Root gives: where
// the two could differ, it leaves the path to that.
type opener struct {
	root *os.Root

	mu     sync.RWMutex // held for reading while folder is used: a number that is closed may become another file's
	folder *os.File     // nil: the kernel has no openat2, or forbids it
}

func newOpener(root *os.Root) (*opener, error) {
	folder, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	o := &opener{root: root, folder: folder}
	probe, err := o.beneath(".")
	if err != nil {
		return &opener{root: root}, folder.Close()
	}
	return o, probe.close()
}

func (o *opener) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.folder == nil {
		return nil
	}
	err := o.folder.Close()
	o.folder = nil
	return err
}

// open opens path. That nothing is there is told at once; links, refusals and all that is odd are for os.Root to judge.
func (o *opener) open(path string) (file, error) {
	f, err := o.beneath(path)
	if err == nil {
		return f, nil
	}
	if err == unix.ENOENT {
		return f, &fs.PathError{Op: "openat2", Path: path, Err: err}
	}
	return openInRoot(o.root, path)
}

// beneath opens a path on which no link lies.
func (o *opener) beneath(path string) (file, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.folder == nil {
		return -1, unix.ENOSYS
	}
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_LARGEFILE | openFlags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	}
	fd, err := unix.Openat2(int(o.folder.Fd()), path, &how)
	return file(fd), err
}

func openInRoot(root *os.Root, path string) (file, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return -1, err
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return file(fd), errors.Join(err, f.Close())
}

// state is what the file is now.
func (f file) state() (state, error) {
	var st unix.Stat_t
	if err := retried(func() error { return unix.Fstat(int(f), &st) }); err != nil {
		return state{}, os.NewSyscallError("fstat", err)
	}
	s := state{modified: time.Unix(st.Mtim.Unix()), kind: fs.ModeIrregular}
	s.id = identity{Size: st.Size, MTime: s.modified.UnixNano(), Inode: st.Ino}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		s.kind = 0
	case unix.S_IFDIR:
		s.kind = fs.ModeDir
	}
	return s, nil
}

// ReadAt implements io.ReaderAt.
func (f file) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		var n int
		err := retried(func() (err error) {
			n, err = unix.Pread(int(f), p[done:], off+int64(done))
			return err
		})
		if err != nil {
			return done, os.NewSyscallError("pread", err)
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

// retried calls a system call again that a signal interrupted, which some network file systems let happen.
func retried(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func (f file) close() error { return unix.Close(int(f)) }
