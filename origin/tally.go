package origin

import (
	"sync"
	"sync/atomic"
	"time"
)

// How a pull from a target ends besides the kinds of failure.
const (
	resultOK       = "ok"       // its header came, and of a GET the first byte
	resultCanceled = "canceled" // whoever wanted it has left
)

// Tally counts the pulls of a rule, and keeps how its targets are steered. An Origin that takes the place of another
// goes on with its Tally.
type Tally struct {
	site, rule      string
	timing          *timing // nil: nobody takes the time
	primary, backup targetTally
}

// target returns the part of a target.
func (t *Tally) target(role string) *targetTally {
	if role == roleBackup {
		return &t.backup
	}
	return &t.primary
}

// ending is how a pull from a target ended.
type ending struct {
	result string // resultOK, resultCanceled or a Kind
	reason string // what was tried when it failed; "": it did not fail
}

// targetTally counts the pulls from one target.
type targetTally struct {
	inflight atomic.Int64
	received atomic.Int64 // bytes of bodies
	cut      atomic.Int64 // bodies that broke off for good
	resumed  atomic.Int64 // attempts to go on after a break that brought the rest
	stuck    atomic.Int64 // those that did not

	steered atomic.Pointer[steering] // nil: by nobody

	mu        sync.Mutex
	endings   map[ending]int64
	lastError string // public
	lastAsked time.Time
}

// count takes the end of a pull that began at begun; e is nil if it went well.
func (t *targetTally) count(how ending, begun time.Time, e *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.endings == nil {
		t.endings = make(map[ending]int64)
	}
	t.endings[how]++
	if asked(e) {
		t.lastAsked = begun
	}
	if how.reason != "" && e.Op != opPassOver { // why it is passed over was said when that began
		t.lastError = e.Public()
	}
}

// countResume takes how an attempt to resume ended.
func (t *targetTally) countResume(e *Error) {
	if e != nil {
		t.stuck.Add(1)
		return
	}
	t.resumed.Add(1)
}

// pulls returns the numbers by result, and by result and reason.
func (t *targetTally) pulls() (byResult map[string]int64, all map[ending]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byResult, all = make(map[string]int64), make(map[ending]int64, len(t.endings))
	for how, n := range t.endings {
		byResult[how.result] += n
		all[how] = n
	}
	return byResult, all
}

// last returns the last public error and when the target was asked last.
func (t *targetTally) last() (failed string, asked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lastError, t.lastAsked
}

// asked tells whether a request was sent to the target, as far as its error tells.
func asked(e *Error) bool {
	return e == nil || e.Op != opPassOver && e.Op != opLimit && e.Op != opCredentials
}

// ending describes how a pull ended, also by those who have left.
func (p *pull) ending(e *Error) ending {
	if e != nil && e.Kind == KindFailed && p.budget.ctx.Err() != nil {
		return ending{result: resultCanceled}
	}
	return endingOf(e)
}

// endingOf describes how a pull ended. An object that is not there, and a status to be passed on, are no failures.
func endingOf(e *Error) ending {
	switch {
	case e == nil:
		return ending{result: resultOK}
	case e.Kind == KindNotFound, e.Kind == KindPassed:
		return ending{result: string(e.Kind)}
	}
	return ending{string(e.Kind), reasonOf(e)}
}

// reasonOf names what was tried when a pull failed, in a word.
func reasonOf(e *Error) string {
	if e.Op == opPassOver {
		return "passed_over"
	}
	return e.Op
}

// turnTo makes the pull count as one of a target's, or of none's.
func (p *pull) turnTo(t *targetTally) {
	if p.at != nil {
		p.at.inflight.Add(-1)
	}
	if p.at = t; t != nil {
		t.inflight.Add(1)
	}
}

// measured asks a target, as ask does, and counts what comes of it.
func (p *pull) measured(a Ask) (*reply, *Error) {
	tally := p.o.tally.target(a.Role)
	p.turnTo(tally)
	begun := time.Now()
	got, err := p.ask(a)
	how := p.ending(err)
	tally.count(how, begun, err)
	if asked(err) && how.result != resultCanceled {
		p.o.tally.answered(a.Role, time.Since(begun))
	}
	return got, err
}

// refused counts a pull for which nobody was asked, at the target that would have been asked first.
func (o *Origin) refused(r Request, how ending, e *Error) {
	o.tally.target(r.Asks[0].Role).count(how, time.Time{}, e)
}
