package origin

import (
	"fmt"
	"strings"
	"time"
)

// Kind is the class of a pull that brought no object. It alone decides what the client is told.
type Kind string

// The kinds of failure.
const (
	KindNotFound Kind = "not_found" // every target that was tried said that the object is not there
	KindPassed   Kind = "passed"    // an answer of pass_status, in Error.Status
	KindTimeout  Kind = "timeout"   // a limit of timeouts passed
	KindFailed   Kind = "failed"    // anything else: no connection, nonsense, another status, a cut body
	KindBusy     Kind = "busy"      // max_concurrent, max_rate, or no target may be asked at this time
)

// What was tried when a pull failed.
const (
	opLimit       = "limit"
	opPassOver    = "passed over" // the target was not asked: its breaker is open, or it or somebody here wants a pause
	opCredentials = "credentials"
	opConnect     = "connect"
	opAnswer      = "answer"
	opRedirect    = "redirect"
	opStatus      = "status"
	opBody        = "body"
)

// Error is every failure of Fetch and of reading a Response's body.
type Error struct {
	Kind       Kind
	Target     string // the role of the target that failed last, "" when none was asked
	Op         string // what was tried
	Status     int    // the origin's status, 0 when that was not the matter
	RetryAfter time.Duration
	Temporary  bool // trying again later may succeed without anybody mending anything
	// Incomplete is set with KindNotFound and KindPassed when a target was passed over that might have said otherwise:
	// such an answer must not be remembered.
	Incomplete bool
	Err        error

	ill bool // it speaks against the health of the target
	cut bool // the connection ended before a byte of the answer or of its body, and nobody has tried again yet
}

// Error tells the whole story, addresses included: it is for the log.
func (e *Error) Error() string {
	if all, ok := e.Err.(attempts); ok {
		return all.Error()
	}
	parts := make([]string, 0, 4)
	if e.Target != "" {
		parts = append(parts, e.Target)
	}
	if e.Op != opStatus || e.Status == 0 {
		parts = append(parts, e.Op)
	}
	if e.Status != 0 {
		parts = append(parts, fmt.Sprintf("status %d", e.Status))
	}
	if e.Err != nil {
		parts = append(parts, short(e.Err.Error()))
	}
	return strings.Join(parts, ": ")
}

// short bounds what an origin's own words take in a log.
func short(s string) string {
	const most = 500
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Public says what kind of failure it was in words that may be shown to anyone.
func (e *Error) Public() string {
	switch {
	case e.Kind == KindNotFound:
		return "no origin has this object"
	case e.Kind == KindPassed:
		return fmt.Sprintf("the origin answered with status %d", e.Status)
	case e.Kind == KindTimeout:
		return "the origin did not answer in time"
	case e.Kind == KindBusy && e.Op == opPassOver:
		return "the origin is not asked at this time: it failed, is overloaded, or was taken out"
	case e.Kind == KindBusy && e.Op == opStatus:
		return "the origin is overloaded"
	case e.Kind == KindBusy:
		return "too many requests to the origin at this time"
	case e.Op == opConnect, e.Op == opCredentials:
		return "the origin could not be asked"
	case e.Op == opStatus:
		return "the origin answered with an error"
	case e.Op == opRedirect:
		return "the origin redirects to where it cannot be followed"
	case e.Op == opBody:
		return "the origin's answer was cut off"
	}
	return "the origin's answer is not valid"
}

// limitError is the cause with which a context ends when a limit passes.
type limitError struct {
	setting string
	after   time.Duration
}

func (e *limitError) Error() string {
	return fmt.Sprintf("took longer than %s (%s)", e.setting, e.after)
}
