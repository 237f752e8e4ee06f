package crash_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// watch calls seen with the name of each file to which one of the events (inotify(7)) happens in the folders, until it
// is closed.
type watch struct {
	file *os.File
	done chan struct{}
}

func startWatch(folders []string, events uint32, seen func(name string)) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	w := &watch{file: os.NewFile(uintptr(fd), "inotify"), done: make(chan struct{})}
	for _, folder := range folders {
		if _, err := unix.InotifyAddWatch(fd, folder, events); err != nil {
			return nil, errors.Join(&os.PathError{Op: "watch", Path: folder, Err: err}, w.file.Close())
		}
	}
	go w.run(seen)
	return w, nil
}

func (w *watch) run(seen func(name string)) {
	defer close(w.done)
	buffer := make([]byte, 64*kib)
	for {
		n, err := w.file.Read(buffer)
		if err != nil {
			return // closed
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
	_ = w.file.Close() // it ends the reading
	<-w.done
}
