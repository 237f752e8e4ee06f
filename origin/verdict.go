package origin

import (
	"slices"
	"strings"
	"time"
)

// attempts are the failures of several targets, in the order in which they were asked.
type attempts []*Error

func (a attempts) Error() string {
	parts := make([]string, len(a))
	for i, e := range a {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

func (a attempts) Unwrap() []error {
	all := make([]error, len(a))
	for i, e := range a {
		all[i] = e
	}
	return all
}

// verdict is what all targets together said: that an object is not there, or which status is passed on, counts only
// when no target failed in another way. Targets that were passed over have a say only when there are no others.
func (a attempts) verdict() *Error {
	if len(a) == 1 {
		return a[0]
	}
	worst := a[0]
	for _, e := range a[1:] {
		if e.rank() >= worst.rank() {
			worst = e
		}
	}
	all := *worst
	all.Err = a
	switch all.Kind {
	case KindNotFound, KindPassed:
		all.Incomplete = slices.ContainsFunc(a, func(e *Error) bool { return e.Op == opPassOver })
	case KindBusy:
		all.RetryAfter = a.soonest()
	}
	return &all
}

// rank orders failures by how much they decide.
func (e *Error) rank() int {
	switch {
	case e.Op == opPassOver:
		return 0
	case e.Kind == KindNotFound:
		return 1
	case e.Kind == KindPassed:
		return 2
	}
	return 3
}

// soonest returns when the first of the targets may be asked again; a limit holds for all of them.
func (a attempts) soonest() time.Duration {
	var soonest time.Duration
	for _, e := range a {
		if e.Op == opLimit {
			return e.RetryAfter
		}
		if e.RetryAfter > 0 && (soonest == 0 || e.RetryAfter < soonest) {
			soonest = e.RetryAfter
		}
	}
	return soonest
}
