package cache

import (
	"fmt"
	"io"
	"sync"
)

// body is a draft that grows while readers follow it, each at its own speed. It withholds the last byte until the pull
// has committed: who got all bytes can rely on the object.
type body struct {
	draft Draft
	size  int64 // bytes; -1: known at the end only

	mu      sync.Mutex
	grown   sync.Cond // written, ended or err changed
	written int64
	ended   bool  // the end is proven, and committed if it is to be kept
	err     error // the pull failed; no more bytes will come
	users   int   // the pull and the readers; the last one closes the draft
}

func newBody(draft Draft, size int64) *body {
	b := &body{draft: draft, size: size, users: 1}
	b.grown.L = &b.mu
	return b
}

// Write is the pull's.
func (b *body) Write(p []byte) (int, error) {
	n, err := b.draft.Write(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written += int64(n)
	b.grown.Broadcast()
	if err != nil {
		return n, fmt.Errorf("write to the spool: %w", err)
	}
	return n, nil
}

// finish ends the growth: with nil at the proven end, else with the failure that readers get where the bytes stop.
func (b *body) finish(err error) {
	b.mu.Lock()
	if err != nil {
		b.err = err
	} else {
		b.ended, b.size = true, b.written
	}
	b.grown.Broadcast()
	b.mu.Unlock()
}

func (b *body) release() {
	b.mu.Lock()
	b.users--
	last := b.users == 0
	b.mu.Unlock()
	if last {
		_ = b.draft.Close() // the bytes were read or given up: nobody is left to tell
	}
}

// readable counts the bytes that readers may have. The caller holds mu.
func (b *body) readable() int64 {
	if b.ended {
		return b.written
	}
	return max(0, b.written-1)
}

// started tells whether readers have something to read.
func (b *body) started() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.readable() > 0
}

// open adds a reader from byte 0 on, and tells the size as far as it is known. The pull must not have released b.
func (b *body) open() (r *follower, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users++
	return &follower{body: b, left: b.size}, b.size
}

// await blocks until bytes from off on may be read, and says how many. At the end it returns io.EOF.
func (b *body) await(off int64) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch n := b.readable() - off; {
		case n > 0:
			return n, nil
		case b.ended:
			return 0, io.EOF
		case b.err != nil:
			return 0, b.err
		}
		b.grown.Wait()
	}
}

// follower reads a range of a growing body.
type follower struct {
	body *body
	off  int64
	left int64 // bytes; -1: to the end
	once sync.Once
}

// Read blocks until there are bytes, the end or a failure; it never returns 0, nil for a p that is not empty.
func (r *follower) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.body.await(r.off)
	if err != nil {
		return 0, err
	}
	n = min(n, int64(len(p)))
	if r.left > 0 {
		n = min(n, r.left)
	}
	got, err := r.body.draft.ReadAt(p[:n], r.off)
	r.off += int64(got)
	if r.left > 0 {
		r.left -= int64(got)
	}
	if got > 0 {
		return got, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the file lacks what was written: no clean end
	}
	return 0, fmt.Errorf("read from the spool: %w", err)
}

func (r *follower) Close() error {
	r.once.Do(r.body.release)
	return nil
}
