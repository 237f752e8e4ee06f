package origin

import (
	"errors"
	"slices"
	"strconv"
)

// What failover_on names besides statuses.
const (
	onConnect = "connect"
	onTimeout = "timeout"
	on4xx     = "4xx"
	on5xx     = "5xx"
)

// failover is the set of failures after which the next target is asked.
type failover struct {
	classes  []string
	statuses []int
}

func newFailover(on []string) failover {
	var f failover
	for _, s := range on {
		switch status, err := strconv.Atoi(s); {
		case err != nil:
			f.classes = append(f.classes, s)
		case status == 404:
			f.statuses = append(f.statuses, 404, 410)
		default:
			f.statuses = append(f.statuses, status)
		}
	}
	return f
}

// covers tells whether the next target is asked after e. What no origin should answer at all (a redirect that leads
// nowhere, a status below 400 that is not 200) counts as 5xx, a connection that breaks before the answer as connect; a
// connection that takes too long is both connect and timeout. A target is passed over like the failure that led to it;
// of these alone a body that broke off may be one.
func (f failover) covers(e *Error) bool {
	switch {
	case e.Op == opPassOver:
		return f.coversCause(e.Err)
	case e.Op == opLimit:
		return false // the limits are the same for all targets
	case e.Kind == KindTimeout && f.has(onTimeout):
		return true
	case e.Op == opConnect || e.Op == opCredentials:
		return f.has(onConnect)
	case e.Op == opAnswer || e.Op == opBody:
		return e.Kind == KindFailed && f.has(onConnect)
	case e.Op == opRedirect:
		return f.has(on5xx)
	case e.Op == opStatus:
		return f.coversStatus(e)
	}
	return false
}

func (f failover) coversCause(err error) bool {
	if errors.Is(err, errDraining) {
		return true // no failure led to it
	}
	var cause *Error
	return errors.As(err, &cause) && f.covers(cause)
}

func (f failover) coversStatus(e *Error) bool {
	status := e.Status
	if slices.Contains(f.statuses, status) || e.Kind == KindNotFound && slices.Contains(f.statuses, 404) {
		return true
	}
	if 400 <= status && status < 500 {
		return f.has(on4xx)
	}
	return f.has(on5xx)
}

func (f failover) has(class string) bool { return slices.Contains(f.classes, class) }
