package origin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// The bytes that may pass at once under max_bandwidth: an eighth of a second's worth, within these bounds.
const (
	minBurst = 4 << 10
	maxBurst = 1 << 20
)

// busyAgain is when to come again after all places were taken: there is no telling.
const busyAgain = time.Second

// limits are the bounds that all pulls of an origin share.
type limits struct {
	c         Config
	places    *semaphore.Weighted // one per pull
	requests  *rate.Limiter       // nil: any number
	bandwidth *flow               // nil: any
	fleet     Budget              // nil: they are this gateway's own
}

// newLimits keeps the limits of c; fleet is nil unless they are those of all gateways.
func newLimits(c Config, fleet Budget) *limits {
	l := &limits{c: c, places: semaphore.NewWeighted(int64(c.MaxConcurrent)), fleet: fleet}
	if c.MaxRate > 0 {
		l.requests = rate.NewLimiter(rate.Limit(c.MaxRate), int(math.Ceil(min(c.MaxRate, math.MaxInt32))))
	}
	if c.MaxBandwidth > 0 {
		burst := min(max(c.MaxBandwidth/8, minBurst), maxBurst)
		l.bandwidth = &flow{own: rate.NewLimiter(rate.Limit(c.MaxBandwidth), int(burst))}
		if fleet != nil {
			l.bandwidth.fleet = newGrants(fleet, c.MaxBandwidth, burst)
		}
	}
	return l
}

// enter waits for a place, as long as the budget of w lasts. The place must be left again, once.
func (l *limits) enter(w *watch) (leave func(), _ *Error) {
	if l.places.Acquire(w.ctx, 1) != nil {
		return nil, l.full(w, "")
	}
	own := func() { l.places.Release(1) }
	if l.fleet == nil {
		return own, nil
	}
	all := l.fleet.Enter(w.ctx, "max_concurrent", l.c.MaxConcurrent)
	if all == nil {
		own()
		return nil, l.full(w, ofAll)
	}
	return func() { all(); own() }, nil
}

// full says why there was no place until the end of w; whose tells whose places.
func (l *limits) full(w *watch, whose string) *Error {
	if limitOf(w.ctx) != nil {
		return busy(fmt.Sprintf("max_concurrent (%d) pulls are under way%s", l.c.MaxConcurrent, whose), busyAgain)
	}
	return ended(w.ctx, opLimit)
}

// turn waits until one more request may be sent, if that is before the budget of w ends.
func (l *limits) turn(w *watch) *Error {
	if l.requests == nil {
		return nil
	}
	place := l.requests.Reserve()
	wait := place.Delay()
	if wait > w.left() {
		place.Cancel()
		return l.overRate("", wait)
	}
	if !passed(w.ctx, wait) {
		place.Cancel()
		return ended(w.ctx, opLimit)
	}
	return l.turnOfAll(w)
}

// overRate says that a request would have to wait too long; whose tells whose rate is reached.
func (l *limits) overRate(whose string, wait time.Duration) *Error {
	return busy(fmt.Sprintf("max_rate (%g requests per second) is reached%s", l.c.MaxRate, whose), max(wait, busyAgain))
}

// passed waits for the time given. It tells whether ctx lasted that long.
func passed(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func busy(why string, again time.Duration) *Error {
	return &Error{Kind: KindBusy, Op: opLimit, RetryAfter: again, Temporary: true, Err: errors.New(why)}
}

// ended describes why a context ended: a limit passed, or the caller has gone or set an end.
func ended(ctx context.Context, op string) *Error {
	cause := context.Cause(ctx)
	e := &Error{Kind: KindFailed, Op: op, Err: cause, Temporary: true}
	if limitOf(ctx) != nil || errors.Is(cause, context.DeadlineExceeded) {
		e.Kind = KindTimeout
	}
	return e
}

// limitOf returns the limit that ended a context; nil if it was none.
func limitOf(ctx context.Context) *limitError {
	var passed *limitError
	errors.As(context.Cause(ctx), &passed)
	return passed
}
