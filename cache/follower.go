package cache

import (
	"io"
	"sync"
	"time"
)

// follower reads a range of a growing body.
type follower struct {
	body *body
	off  int64
	left int64 // bytes; -1: to the end
	cut  error // the window has moved on without this reader
	once sync.Once

	moved time.Time // when it last took something, or could
	waits bool      // it has all that there is
}

// idle is how long the reader has left lying what it could have taken. The caller holds the body's mu.
func (r *follower) idle() time.Duration {
	if r.waits {
		return 0
	}
	return time.Since(r.moved)
}

// Read blocks until there are bytes, the end or a failure; it never returns 0, nil for a p that is not empty.
func (r *follower) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n, held, err := r.body.await(r)
	if err != nil {
		return 0, err
	}
	n = min(n, int64(len(p)))
	if r.left > 0 {
		n = min(n, r.left)
	}
	if held != nil {
		return r.advance(copy(p[:n], held[r.off:]))
	}
	got, err := r.body.draft.ReadAt(p[:n], r.off)
	if got > 0 {
		return r.advance(got)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the file lacks what was written: no clean end
	}
	return 0, &SpoolError{"read from", err}
}

// enter moves a reader that has read nothing to a range.
func (r *follower) enter(start, length int64) {
	r.body.mu.Lock()
	defer r.body.mu.Unlock()
	r.off, r.left = start, length
	r.body.grown.Broadcast()
}

// advance passes n bytes that were read: they are not needed any more. Of a reader that was cut off meanwhile they may
// have been overwritten while it read them.
func (r *follower) advance(n int) (int, error) {
	b := r.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.cut != nil {
		return 0, r.cut
	}
	r.off, r.moved = r.off+int64(n), time.Now()
	if r.left > 0 {
		r.left -= int64(n)
	}
	if b.window > 0 {
		b.grown.Broadcast()
	}
	return n, nil
}

func (r *follower) Close() error {
	r.once.Do(func() {
		b := r.body
		b.mu.Lock()
		delete(b.readers, r)
		b.count(-1)
		b.grown.Broadcast()
		b.mu.Unlock()
		b.release()
	})
	return nil
}
