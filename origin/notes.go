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

// warn logs a warning that may come often.
func (o *Origin) warn(ctx context.Context, t *throttle, text string, attrs ...slog.Attr) {
	if dropped, ok := t.pass(time.Now()); ok {
		o.log.LogAttrs(ctx, slog.LevelWarn, text, append(attrs, slog.Int("dropped", dropped))...)
	}
}

// failingOver logs why the next target is asked: nobody else would ever know, when that one answers.
func (o *Origin) failingOver(ctx context.Context, e *Error) {
	switch {
	case e.Kind == KindNotFound:
		o.log.DebugContext(ctx, "target does not have the object; asking the next", "target", e.Target)
	case e.Op == opPassOver: // it was said when that began
		o.log.DebugContext(ctx, "target is passed over; asking the next", "target", e.Target)
	default:
		o.warn(ctx, &o.failovers, "target failed; asking the next",
			slog.String("target", e.Target), slog.String("error", e.Error()))
	}
}

// opened logs that a breaker opened, which happens at most once in each of its open periods.
func (o *Origin) opened(ctx context.Context, why *Error) {
	o.log.WarnContext(ctx, "target keeps failing; its breaker is open", "target", why.Target,
		"failures", o.c.Breaker.Failures, "window", o.c.Breaker.Window, "open", o.c.Breaker.Open, "error", why)
}

// pausing logs that a target wants no requests for a while.
func (o *Origin) pausing(ctx context.Context, why *Error, wait time.Duration) {
	o.warn(ctx, &o.paused, "target asks for a pause (Retry-After)",
		slog.String("target", why.Target), slog.Int("status", why.Status), slog.Duration("pause", wait))
}

// resuming logs that the rest of a body is asked for.
func (o *Origin) resuming(ctx context.Context, broke *Error, at int64, attempt int) {
	o.warn(ctx, &o.resumed, "pull broke off; asking for the rest", slog.String("target", broke.Target),
		slog.Int64("at", at), slog.Int("attempt", attempt), slog.String("error", broke.Error()))
}
