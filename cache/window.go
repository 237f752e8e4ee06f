package cache

import (
	"errors"
	"time"
)

// Why a reader or a pull is cut off although the origin sends.
var (
	errTooSlow = errors.New("the spool is full (spool.max_bytes), and this reader was too slow for what is left of it")
	errNobody  = errors.New("the body is not kept, and nobody reads it any more")
)

// wrap turns the draft into a window, for want of room, and tells whether there is one.
func (b *body) wrap(cause error) bool {
	switch {
	case b.window == 0:
		b.full(cause)
	case b.written == b.wrapped:
		return false // the window takes nothing either
	}
	window := b.draft.Wrap()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.window, b.wrapped = window, b.written
	return window > 0
}

// fit gives as much of p as may be written now: all of it, until the draft is a window. A window overwrites what all
// readers have passed, so the pull waits for the slowest, at most for stall; then that reader is cut off.
func (b *body) fit(p []byte) ([]byte, error) {
	if b.window == 0 {
		return p, nil
	}
	if !b.started() {
		return p[:min(len(p), 2)], nil // nobody has come in yet, and a window holds more than this
	}
	b.admit()
	room, err := b.awaitRoom()
	return p[:min(int64(len(p)), room)], err
}

// awaitRoom waits until some of the window may be overwritten, and says how many bytes. A reader that has not moved for
// stall although it could is cut off, however many others have been before it: they do not add up.
func (b *body) awaitRoom() (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		slowest, off := b.slowest()
		room := b.window - (b.written - off)
		switch {
		case b.halted != nil:
			return 0, b.halted
		case slowest == nil:
			return 0, errNobody
		case room > 0:
			return room, nil
		}
		left := b.stall - slowest.idle()
		if left <= 0 {
			slowest.cut = errTooSlow
			delete(b.readers, slowest)
			b.grown.Broadcast()
			continue
		}
		clock := time.AfterFunc(left, b.wake)
		b.grown.Wait()
		clock.Stop()
	}
}

func (b *body) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grown.Broadcast()
}

// halt ends the pull's wait for its readers.
func (b *body) halt(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.halted = cause
	b.grown.Broadcast()
}

// slowest is the reader that is furthest behind, and its place. The caller holds mu.
func (b *body) slowest() (*follower, int64) {
	var slowest *follower
	off := b.written
	for r := range b.readers {
		if r.left != 0 && (slowest == nil || r.off < off) {
			slowest, off = r, min(off, r.off)
		}
	}
	return slowest, off
}
