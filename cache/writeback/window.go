package writeback

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

// leastWindow is what a window has at least, in bytes. Where the spool has less room than that, it is in memory: even a
// disk without a free byte costs the copy only, never the answer.
const leastWindow = 256 << 10

// Wrap implements cache.Draft. The window is what was reserved, or what the disk has taken if that is less.
func (d *draft) Wrap() int64 {
	if before := d.window.Load(); before > 0 && (d.ring != nil || d.size >= before) {
		return 0 // the disk has no room for what it holds already
	}
	d.early.failed(errDiscarded)
	window := d.reserved
	if d.full {
		window = d.size
	}
	if window < leastWindow {
		ring := &ring{bytes: make([]byte, leastWindow)}
		if n, err := d.file.ReadAt(ring.bytes[:d.size], 0); int64(n) < d.size {
			d.spool.log.Error("the spool cannot be read", "file", d.place, "err", err)
			return 0
		}
		window, d.ring = leastWindow, ring
	}
	d.window.Store(window)
	return window
}

// store is where the window is. Before there is one, readers use the file, which keeps what it holds.
func (d *draft) store() interface {
	io.ReaderAt
	io.WriterAt
} {
	if d.ring != nil {
		return d.ring
	}
	return d.file
}

func (d *draft) writeWindow(p []byte, window int64) (written int, err error) {
	for written < len(p) && err == nil {
		at := d.size % window
		var n int
		n, err = d.store().WriteAt(p[written:min(int64(len(p)), int64(written)+window-at)], at)
		written += n
		d.size += int64(n)
	}
	return written, d.noRoom(err)
}

// noRoom tells the cache of a disk that is full as of a spool that is.
func (d *draft) noRoom(err error) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return err
	}
	d.full = true
	return fmt.Errorf("%w: %w", cache.ErrNoRoom, err)
}

// ring is a window in memory.
type ring struct {
	mu    sync.Mutex // a reader that was cut off may still be reading
	bytes []byte
}

func (r *ring) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copy(p, r.bytes[off:]), nil
}

func (r *ring) WriteAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copy(r.bytes[off:], p), nil
}
