package origin

import (
	"context"
	"sync"
	"time"
)

// watch is a context that ends when something takes longer than the limit that is armed. Arming is cheap enough to be
// done for every read of a body.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	limit *limitError // what is armed; nil: nothing
	due   time.Time
}

// watched derives a watch from ctx. Its end must be called.
func watched(ctx context.Context) *watch {
	w := &watch{}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	return w
}

// arm replaces what is armed by limit, from now on.
func (w *watch) arm(limit *limitError) { w.armSince(time.Time{}, limit) }

// armSince does the same for a limit that counts from an earlier time on; the zero time is now.
func (w *watch) armSince(began time.Time, limit *limitError) {
	left := limit.after
	if !began.IsZero() {
		left -= time.Since(began)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit, w.due = limit, time.Now().Add(left)
	if w.timer == nil {
		w.timer = time.AfterFunc(left, w.fire)
		return
	}
	w.timer.Reset(left)
}

// disarm lets the context live on without a limit.
func (w *watch) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

// fire ends the context, unless it comes late and another limit was armed meanwhile.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit != nil && time.Until(w.due) <= 0 {
		w.cancel(w.limit)
	}
}

// left returns what is left of the armed limit.
func (w *watch) left() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.due)
}

// end ends the context and the timer.
func (w *watch) end() {
	w.disarm()
	w.cancel(nil)
}
