package crash_test

import (
	"math/rand/v2"
	"time"
)

// phase is how far a request has come when the gateway is killed.
type phase string

const (
	unsent     phase = "has not arrived"    // the gateway has sent its head, the server gets nothing
	passing    phase = "is under way"       // the server gets some of it, or all
	unanswered phase = "has been done"      // and the gateway has not got the answer
	answered   phase = "has been confirmed" // the answer was passed on
)

// aim is when an operation is in a phase.
func (f *front) aim(op operation, p phase, often int) aim {
	kind := string(op) + " " + string(p)
	return aim{kind, func(_ *run, random *rand.Rand, s *shot) (func(), error) {
		skip := after(random, often)
		soon := time.Duration(random.IntN(4000)) * time.Microsecond
		reached := func(got operation, now phase) bool { return got == op && now == p && skip() }
		f.hook.Store(&hook{
			asked: func(got operation) bool {
				if reached(got, passing) {
					time.AfterFunc(soon, func() { s.fire() })
				}
				return !reached(got, unsent) || !fireAndWait(s)
			},
			answered: func(got operation) {
				if reached(got, unanswered) {
					fireAndWait(s)
				}
			},
			told: func(got operation) {
				if reached(got, answered) {
					time.AfterFunc(soon/4, func() { s.fire() })
				}
			},
		})
		return func() { f.hook.Store(nil) }, nil
	}}
}

// fireAndWait is true when the gateway has ended by this call: what was to go on does not then.
func fireAndWait(s *shot) bool {
	if !s.fire() {
		return false
	}
	<-s.dead
	return true
}
