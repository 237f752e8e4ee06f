package bucket

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// folder is an open folder of the bucket. What is done in it does not walk its path again, which through os.Root costs
// two system calls for every segment.
type folder struct {
	fd   int
	held bool // it stays open
}

// openFolder opens a folder of the directory in one step and as os.Root would: symbolic links are followed as long as
// they stay inside.
func openFolder(top *os.File, name string) (folder, error) {
	fd, err := unix.Openat2(int(top.Fd()), name, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return folder{}, &fs.PathError{Op: "openat2", Path: name, Err: err}
	}
	return folder{fd: fd}, nil
}

// heldFolder is one that is open anyway.
func heldFolder(f *os.File) folder { return folder{int(f.Fd()), true} }

func (f folder) close() {
	if !f.held {
		_ = unix.Close(f.fd)
	}
}

// create makes a new file.
func (f folder) create(name string) (*os.File, error) {
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(f.fd, name, flags, filePerm)
	if err != nil {
		return nil, &fs.PathError{Op: "openat", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (f folder) remove(name string) error { return unix.Unlinkat(f.fd, name, 0) }

// move gives a file another name in any folder. What has that name is gone.
func (f folder) move(name string, to folder, toName string) error {
	return unix.Renameat(f.fd, name, to.fd, toName)
}

// moveNew does so if nothing has that name yet, else the error is fs.ErrExist. Not every disk can.
func (f folder) moveNew(name string, to folder, toName string) error {
	return unix.Renameat2(f.fd, name, to.fd, toName, unix.RENAME_NOREPLACE)
}

// link gives an open file a further name.
func (f folder) link(file *os.File, name string) error {
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", file.Fd()), f.fd, name, unix.AT_SYMLINK_FOLLOW)
}

// startSync begins to write what the system holds of a file, and does not wait. What it cannot do, Sync does.
func startSync(f *os.File) { _ = unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE) }
