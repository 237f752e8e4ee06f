package migration

import (
	"math"
	"time"
)

// jump is a difference between two looks at the clock, some seconds apart, that only a clock which was set can make, or
// a machine that slept.
const jump = 2 * time.Minute

// now looks at the clock. If it was set meanwhile, the beginning of counting moves with it, if that was read from the
// same clock, and what seemed to happen later than now happened now. What was counted before by another clock, such as
// one that was right, stays as it is. The caller holds mu.
func (l *Ledger) now() time.Time {
	now := l.o.Now()
	before := l.ticked
	l.ticked = now
	if before.IsZero() {
		return now
	}
	moved := now.Round(0).Sub(before.Round(0)) // by the clock, not by what has passed
	if moved < jump && moved > -jump {
		l.fading += max(moved, 0)
		return now
	}
	if !l.since.After(before) {
		l.since = l.since.Add(moved)
	}
	for _, r := range l.rules {
		for _, m := range r.marks() {
			if m.At.After(now) && !m.At.After(before) {
				m.At = now
			}
		}
	}
	return now
}

// Counts in sketches halve in halfLife, in steps of fadeEvery. Only time counts in which the Ledger was open: neither a
// clock that was set nor a long stop makes them forget.
const (
	halfLife  = 24 * time.Hour
	fadeEvery = time.Hour
)

// fade does so. The caller holds mu.
func (l *Ledger) fade() {
	for ; l.fading >= fadeEvery; l.fading -= fadeEvery {
		by := math.Exp2(-float64(fadeEvery) / float64(halfLife))
		for _, r := range l.rules {
			if r.demand != nil {
				r.demand.fade(by)
			}
		}
	}
}
