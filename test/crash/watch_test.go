package crash_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// watch calls seen with the name of each file to which one of the events (inotify(7)) happens in the folders, until it
// is closed. It does not rest meanwhile: who is woken up comes too late to kill between one system call of the gateway
// and the next, some microseconds later.
type watch struct {
	fd   int
	over atomic.Bool
	done chan struct{}
}

func startWatch(folders []string, events uint32, seen func(name string)) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	w := &watch{fd: fd, done: make(chan struct{})}
	for _, folder := range folders {
		if _, err := unix.InotifyAddWatch(fd, folder, events); err != nil {
			return nil, errors.Join(&os.PathError{Op: "watch", Path: folder, Err: err}, unix.Close(fd))
		}
	}
	go w.run(seen)
	return w, nil
}

func (w *watch) run(seen func(name string)) {
	defer close(w.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	buffer := make([]byte, 64*kib)
	for !w.over.Load() {
		n, err := unix.Read(w.fd, buffer)
		if err != nil {
			continue // mostly: nothing has happened
		}
		for all := buffer[:n]; len(all) >= unix.SizeofInotifyEvent; {
			length := int(binary.NativeEndian.Uint32(all[12:])) // of the name, with the zeros behind it
			name := all[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+length]
			all = all[unix.SizeofInotifyEvent+length:]
			seen(string(bytes.TrimRight(name, "\x00")))
		}
	}
}

func (w *watch) close() {
	w.over.Store(true)
	<-w.done
	_ = unix.Close(w.fd) // nobody uses it any more
}
