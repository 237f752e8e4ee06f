package cache

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxHeld is how large a body of known size may be, in bytes, that is held in memory until its end is proven, and then
// written to the draft at once.
const maxHeld = 64 << 10

// errBeyond is what a reader gets that began behind the end of a body whose length was not known.
var errBeyond = errors.New("the body ends before the byte that was asked for")

// body is a draft that grows while readers follow it, each at its own speed. It withholds the last byte until the pull
// has committed: who got all bytes can rely on the object.
type body struct {
	draft Draft
	size  int64 // bytes; -1: known at the end only

	// full is called once, by the pull's goroutine, when the spool has no more room: from when it returns nobody may join.
	// Then the draft becomes a window. admit, which that goroutine calls once there is a first byte, returns when all who
	// have joined have opened the body, and stall is how long the slowest of them may hold up the pull.
	full  func(cause error)
	admit func()
	stall time.Duration

	mu      sync.Mutex
	held    []byte    // all that is written, until the draft has it; nil: the draft has it
	grown   sync.Cond // written, ended, err, or a reader's place changed
	written int64
	window  int64 // 0: the draft holds everything; else only the last so many bytes
	wrapped int64 // bytes that were written when it became so
	ended   bool  // the end is proven, and committed if it is to be kept
	err     error // the pull failed; no more bytes will come
	halted  error // the pull must not wait for its readers any more
	readers map[*follower]struct{}
	users   int // the pull and the readers; the last one closes the draft

	counted *atomic.Int64 // of the readers of all bodies; nil: nobody counts them
}

func newBody(draft Draft, size int64) *body {
	b := &body{draft: draft, size: size, users: 1, readers: make(map[*follower]struct{})}
	b.grown.L = &b.mu
	if 0 < size && size <= maxHeld {
		b.held = make([]byte, 0, size)
	}
	return b
}

// Write is the pull's. It writes no more than the size that is known.
func (b *body) Write(p []byte) (int, error) {
	if b.held != nil {
		b.hold(p)
		return len(p), nil
	}
	written := 0
	for written < len(p) {
		part, err := b.fit(p[written:])
		if err != nil {
			return written, err
		}
		n, err := b.draft.Write(part)
		written += n
		b.grow(n)
		if errors.Is(err, ErrNoRoom) && b.wrap(err) {
			continue
		}
		if err != nil {
			return written, &SpoolError{"write to", err}
		}
	}
	return written, nil
}

// hold appends to what is held. Its readers read only what was there before.
func (b *body) hold(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = append(b.held, p...)
	b.written = int64(len(b.held))
	b.grown.Broadcast()
}

// store writes what is held to the draft. If that fails it stays where it is.
func (b *body) store() error {
	if b.held == nil {
		return nil
	}
	if _, err := b.draft.Write(b.held); err != nil {
		return &SpoolError{"write to", err}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = nil // a slow reader costs no memory, but a place in the spool
	return nil
}

func (b *body) grow(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written += int64(n)
	b.grown.Broadcast()
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

// failure is why the growth ended, or nil.
func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
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

// isRead tells whether there are readers.
func (b *body) isRead() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.readers) > 0
}

// arrived counts the bytes that the pull has brought.
func (b *body) arrived() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written
}

// open adds a reader from byte 0 on, and tells the size as far as it is known. The pull must not have released b.
func (b *body) open() (r *follower, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users++
	r = &follower{body: b, left: b.size, moved: time.Now()}
	b.readers[r] = struct{}{}
	b.count(1)
	return r, b.size
}

// count takes in a reader that has come or left.
func (b *body) count(n int64) {
	if b.counted != nil {
		b.counted.Add(n)
	}
}

// await blocks until bytes from r.off on may be read, and says how many, and where they are: in from, from r.off on, or
// if that is nil in the draft. At the end it returns io.EOF.
func (b *body) await(r *follower) (n int64, from []byte, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch n := b.readable() - r.off; {
		case r.cut != nil:
			return 0, nil, r.cut
		case n > 0:
			return n, b.held, nil
		case b.ended && r.off > b.written:
			return 0, nil, errBeyond
		case b.ended:
			return 0, nil, io.EOF
		case b.err != nil:
			return 0, nil, b.err
		}
		r.waits = true
		b.grown.Wait()
		r.waits, r.moved = false, time.Now()
	}
}
