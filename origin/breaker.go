package origin

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// breaker keeps requests away from a target that fails. Enough failures within the window open it, unless there were
// as many good answers between them: one broken object must not take all the others down. When it has been open for a
// while one request probes whether the target is back, and all others are turned away until that is known.
type breaker struct {
	c BreakerConfig

	mu      sync.Mutex
	era     int       // grows when it opens or closes: what was let through before counts no more
	failed  []failing // of this era, oldest first, at most c.Failures
	good    int       // answers of this era
	why     *Error    // what opened it; nil: it is closed. It is never changed.
	until   time.Time // while it is open: when the next probe may go
	probing bool
}

// failing is one failure, and how many good answers there had been by then.
type failing struct {
	at   time.Time
	good int
}

// pass is what a request was let through with.
type pass struct {
	era   int
	probe bool
}

// outcome is what a request says about its target.
type outcome int

const (
	outcomeUnknown outcome = iota // nothing: the caller has left, or it was another host that failed
	outcomeUnsent                 // nothing: it was never sent
	outcomeWell
	outcomeIll
	outcomeSpoiled // first well, and then the body broke off
)

// change is what an outcome did to a breaker.
type change int

const (
	changeNone change = iota
	changeOpened
	changeClosed
)

// admit lets a request through, or tells why not. The outcome of one that was let through must be settled.
func (b *breaker) admit(now time.Time) (pass, *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refusal(now); err != nil {
		return pass{}, err
	}
	probe := b.why != nil
	if probe {
		b.probing, b.until = true, now.Add(b.c.Open)
	}
	return pass{b.era, probe}, nil
}

// check tells why a request would not be let through.
func (b *breaker) check(now time.Time) *Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusal(now)
}

// state tells whether the breaker is open, and when it lets the next probe through.
func (b *breaker) state() (until time.Time, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until, b.why != nil
}

func (b *breaker) refusal(now time.Time) *Error {
	wait := b.until.Sub(now)
	switch {
	case b.why == nil, wait <= 0 && !b.probing:
		return nil
	case b.probing:
		wait = max(wait, busyAgain)
	}
	return passOver(wait, fmt.Errorf("its breaker is open: %w", b.why))
}

// settle takes the outcome of a request that was let through. why is kept: it must not be changed any more.
func (b *breaker) settle(p pass, how outcome, why *Error, now time.Time) change {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case p.era != b.era:
		return changeNone
	case p.probe:
		return b.probed(how, why, now)
	case how == outcomeWell:
		b.good++
	case how == outcomeSpoiled:
		b.good--
		return b.count(why, now)
	case how == outcomeIll:
		return b.count(why, now)
	}
	return changeNone
}

// probed ends the probe. One that says nothing costs its turn all the same if it reached the target.
func (b *breaker) probed(how outcome, why *Error, now time.Time) change {
	b.probing = false
	switch how {
	case outcomeWell:
		b.begin(nil, time.Time{})
		return changeClosed
	case outcomeIll:
		b.begin(why, now.Add(b.c.Open))
	case outcomeUnsent:
		b.until = now
	}
	return changeNone
}

// count adds a failure and opens the breaker when there are enough of them.
func (b *breaker) count(why *Error, now time.Time) change {
	if b.c.Failures == 0 {
		return changeNone
	}
	b.failed = append(b.failed, failing{now, b.good})
	b.failed = slices.Delete(b.failed, 0, max(0, len(b.failed)-b.c.Failures))
	first := b.failed[0]
	if len(b.failed) < b.c.Failures || now.Sub(first.at) > b.c.Window || b.good-first.good >= b.c.Failures {
		return changeNone
	}
	b.begin(why, now.Add(b.c.Open))
	return changeOpened
}

func (b *breaker) begin(why *Error, until time.Time) {
	b.era++
	b.failed, b.good = nil, 0
	b.why, b.until = why, until
}

// passOver makes the error of a target that is not asked.
func passOver(wait time.Duration, why error) *Error {
	return &Error{Kind: KindBusy, Op: opPassOver, RetryAfter: wait, Temporary: true, Err: why}
}
