package origin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxPause = 60 * time.Second // whatever Retry-After says

// pause keeps requests away from a target that asked for it.
type pause struct {
	mu    sync.Mutex
	until time.Time
	why   *Error // it is never changed
}

// begin lets the pause last for the time given, or longer if it was to last longer anyway. It tells whether there was
// none yet.
func (p *pause) begin(now time.Time, wait time.Duration, why *Error) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = !p.until.After(now)
	if until := now.Add(wait); until.After(p.until) {
		p.until, p.why = until, why
	}
	return first
}

// check tells why the target must not be asked; nil if it may.
func (p *pause) check(now time.Time) *Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.until.Sub(now); wait > 0 {
		return passOver(wait, fmt.Errorf("it asked for a pause (Retry-After): %w", p.why))
	}
	return nil
}

// end returns when the last pause ends or has ended.
func (p *pause) end() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until
}

// retryAfter reads how long an answer asks to be left alone (RFC 9110 section 10.2.3), 0 if it does not. A date counts
// from the origin's own, if it gives that: its clock may be wrong.
func retryAfter(h http.Header, now time.Time) time.Duration {
	said := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseUint(said, 10, 16)
	switch {
	case err == nil:
		return min(time.Duration(seconds)*time.Second, maxPause)
	case errors.Is(err, strconv.ErrRange):
		return maxPause
	}
	until, err := http.ParseTime(said)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), maxPause)
}

// heed begins the pause that an answer asks for. Only the target itself may ask, not a host to which it redirects.
func (p *pull) heed(h hop, a *answer, e *Error) {
	if !h.kept || a.StatusCode != http.StatusTooManyRequests && a.StatusCode != http.StatusServiceUnavailable {
		return
	}
	now := p.o.now()
	wait := retryAfter(a.Header, now)
	if wait <= 0 {
		return
	}
	e.RetryAfter = wait
	if e.Kind == KindFailed {
		e.Kind = KindBusy
	}
	why := &Error{Kind: KindFailed, Target: h.t.role, Op: opStatus, Status: a.StatusCode}
	if h.t.pause.begin(now, wait, why) {
		p.o.pausing(p.budget.ctx, why, wait)
	}
}
