package writeback

import (
	"context"
	"os"
	"sync"

	"mirrorgate/cache"
)

// earlyParts is how many parts an object must have at least to be saved while it arrives.
const earlyParts = 4

// early is a body that is saved while it arrives: it waits for bytes that have not come, and for the proof of its end.
// Its methods for the draft may be called on a nil one.
type early struct {
	file   *os.File // of its own, as the draft's may be closed before all is read
	cancel func()   // ends the saving

	mu      sync.Mutex
	changed sync.Cond
	written int64
	entry   *entry // what it has become
	err     error  // why it will be none, or saving it has to end
	over    bool   // nobody is saving it any more
}

var _ cache.Proof = (*early)(nil)

func newEarly(f *os.File) *early {
	b := &early{file: f}
	b.changed.L = &b.mu
	return b
}

// ReadAt implements io.ReaderAt.
func (b *early) ReadAt(p []byte, off int64) (int, error) {
	b.mu.Lock()
	for b.written < off+int64(len(p)) && b.entry == nil && b.err == nil {
		b.changed.Wait()
	}
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return b.file.ReadAt(p, off)
}

// Proven implements cache.Proof.
func (b *early) Proven(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { b.failed(context.Cause(ctx)) })
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.entry == nil && b.err == nil {
		b.changed.Wait()
	}
	return b.err
}

// grew says how many bytes there are.
func (b *early) grew(written int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written = written
	b.changed.Broadcast()
}

// failed ends the saving.
func (b *early) failed(err error) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.changed.Broadcast()
}

// committed says what the body has become, and tells whether it is still being saved: whoever does so deals with the
// entry then.
func (b *early) committed(e *entry) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.err != nil {
		return false
	}
	b.entry = e
	b.changed.Broadcast()
	return true
}

// canceler returns what ends the saving; nil: there is none.
func (b *early) canceler() func() {
	if b == nil {
		return nil
	}
	return b.cancel
}

// end says that nobody is saving the body any more, and returns what it has become.
func (b *early) end() *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return b.entry
}
