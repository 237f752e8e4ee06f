package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// Failures that the walk itself finds.
var (
	errMethod     = errors.New("the method is not GET or HEAD")
	errNoSite     = errors.New("no site has this host")
	errNoRule     = errors.New("not in the bucket, and no rule matches")
	errHeadOff    = errors.New("not in the bucket, and the rule asks no origin for HEAD")
	errLoop       = errors.New("the request has been here before (CDN-Loop)")
	errUnmet      = errors.New("a precondition does not hold")
	errOverloaded = errors.New("limits.max_inflight is reached")
	errHeaderSize = errors.New("the request's header is too long")
	errMalformed  = errors.New("the request cannot be read")
	errExpect     = errors.New("the client expects to be asked for a body")
	errForged     = errors.New("an internal request is not proven to be one of the fleet's")
)

// deniedError is the answer of a rule in deny mode.
type deniedError struct{ Status int }

func (e *deniedError) Error() string { return fmt.Sprintf("denied with status %d", e.Status) }

// unaskedError is why a rule's origin is not asked, and no client sent to it: the rule's state.
type unaskedError struct{ State rules.State }

func (e *unaskedError) Error() string {
	return fmt.Sprintf("the rule is %s: its origin is not asked", e.State)
}

// redirectedError is an origin's redirect that the client has to follow itself.
type redirectedError struct {
	Status   int
	Location string
	Target   string // the role of the target that redirects
	// AddsSlash: the origin only wants a "/" at the end. The client is sent to its own path with one, not to the origin.
	AddsSlash bool
}

func (e *redirectedError) Error() string {
	return fmt.Sprintf("the origin redirects (%d) to %s", e.Status, e.Location)
}

// negative turns an origin's definite "no" into the error that the cache remembers.
func negative(err error) error {
	var failed *origin.Error
	if !errors.As(err, &failed) || failed.Incomplete {
		return err // a target that was passed over may have the object: nothing to remember
	}
	switch failed.Kind {
	case origin.KindNotFound:
		return &cache.NegativeError{Status: http.StatusNotFound, Err: err}
	case origin.KindPassed:
		return &cache.NegativeError{Status: failed.Status, Err: err}
	}
	return err
}

func targetOf(err error) string {
	var failed *origin.Error
	if errors.As(err, &failed) {
		return failed.Target
	}
	return ""
}

// fault is a row of the table: what the client is told.
type fault struct {
	status  int
	code    string
	message string // public: no addresses, no secrets

	retryAfter time.Duration
	remembered bool // the origin's own "no": clients may keep it for negative_ttl
	own        bool // it is our failure or our surroundings': logged

	outcome Outcome
}

const retryAfter = time.Second

// row is a fault of the client's making.
func row(status int, code, message string) fault {
	return fault{status: status, code: code, message: message, outcome: OutcomeRefused}
}

// faultOf is the one table from failures to answers. failureStatus replaces 502 and 504 unless it is 0.
func faultOf(err error, failureStatus int) fault {
	var (
		badKey   *rules.KeyError
		denied   *deniedError
		unasked  *unaskedError
		negative *cache.NegativeError
		outside  *cache.RangeError
		busy     *cache.BusyError
		pulled   *origin.Error
		peer     *cache.PeerError
		length   *cache.LengthError
	)
	switch {
	case errors.As(err, &badKey):
		return row(http.StatusBadRequest, badKey.Code, badKey.Reason)
	case errors.Is(err, cache.ErrKeyForm):
		return row(http.StatusBadRequest, "InvalidURI", "this bucket cannot hold a key of this form")
	case errors.As(err, &denied):
		return refused(denied.Status, OutcomeDenied)
	case errors.As(err, &unasked):
		return unaskedFault(unasked)
	case errors.As(err, &negative):
		f := refused(negative.Status, OutcomeNegative)
		f.remembered = true
		return f
	case errors.As(err, &outside):
		return row(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "the range is outside the object")
	case errors.As(err, &busy):
		return slowDown("too many requests at this time", retryAfter)
	case errors.As(err, &pulled):
		return pullFault(pulled, failureStatus)
	case errors.As(err, &peer):
		return peerFaultOf(peer, failureStatus)
	case errors.As(err, &length):
		return mirrorFailed("the origin's answer was cut off", failureStatus)
	case errors.Is(err, cache.ErrNotFound), errors.Is(err, cache.ErrDeleted), errors.Is(err, rules.ErrNoKey),
		errors.Is(err, rules.ErrRefused), errors.Is(err, errNoRule), errors.Is(err, errHeadOff):
		return refused(http.StatusNotFound, OutcomeMissing)
	default:
		return walkFault(err, failureStatus)
	}
}

// walkFault is the part of the table for failures without data.
func walkFault(err error, failureStatus int) fault {
	var digest *cache.DigestError
	switch {
	case errors.Is(err, errMethod):
		return row(http.StatusMethodNotAllowed, "MethodNotAllowed", "only GET and HEAD are answered")
	case errors.Is(err, errExpect):
		return row(http.StatusExpectationFailed, "ExpectationFailed", "no body is taken")
	case errors.Is(err, errNoSite):
		return row(http.StatusNotFound, "NoSuchBucket", "no site is configured for this host")
	case errors.Is(err, errLoop):
		return fault{
			status: http.StatusLoopDetected, code: "LoopDetected", own: true,
			message: "the request came back to the gateway that sent it",
		}
	case errors.Is(err, errUnmet):
		return row(http.StatusPreconditionFailed, "PreconditionFailed", "a precondition does not hold")
	case errors.Is(err, errOverloaded), errors.Is(err, cache.ErrNoRoom):
		return slowDown("too many requests at this time", retryAfter)
	case errors.Is(err, errHeaderSize):
		return row(http.StatusRequestHeaderFieldsTooLarge, "RequestHeaderSectionTooLarge",
			"the header may have "+strconv.Itoa(maxHeader)+" bytes")
	case errors.Is(err, errMalformed):
		return row(http.StatusBadRequest, "InvalidURI", "the request cannot be read")
	case errors.Is(err, errForged):
		return refused(http.StatusForbidden, OutcomeRefused)
	case errors.Is(err, cache.ErrPeerGone):
		return mirrorFailed("the gateway that pulls this object does not answer", failureStatus)
	case errors.As(err, &digest):
		return mirrorFailed("the origin's answer does not match its checksum", failureStatus)
	default: // a bucket's failure, or one nobody thought of: never a missing object
		return fault{
			status: http.StatusServiceUnavailable, code: "BucketUnavailable", own: true, retryAfter: retryAfter,
			message: "the bucket cannot be read at this time",
		}
	}
}

// refused is the answer that there is no object for this client.
func refused(status int, outcome Outcome) fault {
	f := fault{status: status, code: "AccessDenied", message: "access to this object is refused", outcome: outcome}
	if status == http.StatusNotFound || status == http.StatusGone {
		f.code, f.message = "NoSuchKey", "there is no such object"
	}
	return f
}

// pausedRetry is the Retry-After of what a paused rule does not answer: somebody is at work on its origin, so that one
// second is no time, and a minute would be a long one when it is back.
const pausedRetry = 10 * time.Second

// unaskedFault is the part of the table for rules that are not active. Somebody wants it so: it is nobody's failure.
func unaskedFault(e *unaskedError) fault {
	if e.State == rules.StateRetired {
		return refused(http.StatusNotFound, OutcomeRetired)
	}
	return fault{
		status: http.StatusServiceUnavailable, code: "SlowDown", message: "the origin is not asked at this time",
		retryAfter: pausedRetry, outcome: OutcomePaused,
	}
}

func slowDown(message string, after time.Duration) fault {
	return fault{
		status: http.StatusServiceUnavailable, code: "SlowDown", message: message, own: true,
		retryAfter: max(after, retryAfter),
	}
}

func mirrorFailed(message string, failureStatus int) fault {
	return fault{status: orStatus(failureStatus, http.StatusBadGateway), code: "MirrorFailed", message: message, own: true}
}

// pullFault is the part of the table for pulls that failed.
func pullFault(e *origin.Error, failureStatus int) fault {
	switch e.Kind {
	case origin.KindNotFound:
		return refused(http.StatusNotFound, OutcomeNegative)
	case origin.KindPassed:
		return refused(e.Status, OutcomeNegative)
	case origin.KindBusy:
		return slowDown(e.Public(), e.RetryAfter)
	case origin.KindTimeout:
		return fault{
			status: orStatus(failureStatus, http.StatusGatewayTimeout), code: "MirrorTimeout", message: e.Public(), own: true,
		}
	default:
		return mirrorFailed(e.Public(), failureStatus)
	}
}

func orStatus(replacement, status int) int {
	if replacement != 0 {
		return replacement
	}
	return status
}
