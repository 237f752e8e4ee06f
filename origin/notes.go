package origin

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const noteEvery = 10 * time.Second

// throttle lets one warning through at a time and counts the others.
type throttle struct {
	mu      sync.Mutex
	next    time.Time
	dropped int
}

// pass tells whether to warn now, and how many warnings were dropped since the last.
func (t *throttle) pass(now time.Time) (dropped int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.next) {
		t.dropped++
		return 0, false
	}
	dropped, t.dropped, t.next = t.dropped, 0, now.Add(noteEvery)
	return dropped, true
}

// failingOver logs why the next target is asked: nobody else would ever know, when that one answers.
func (o *Origin) failingOver(ctx context.Context, e *Error) {
	if e.Kind == KindNotFound {
		o.log.DebugContext(ctx, "target does not have the object; asking the next", "target", e.Target)
		return
	}
	if dropped, ok := o.warnings.pass(time.Now()); ok {
		o.log.LogAttrs(ctx, slog.LevelWarn, "target failed; asking the next",
			slog.String("target", e.Target), slog.String("error", e.Error()), slog.Int("dropped", dropped))
	}
}
