package gateway

import "time"

// Outcome says how a request was answered. The set is closed: its names are a label of metrics.
type Outcome uint8

// The outcomes.
const (
	OutcomeError      Outcome = iota // our failure, or our surroundings': 5xx, or 424
	OutcomeMemory                    // from memory, or 304 by what memory knows
	OutcomeBucket                    // from the bucket
	OutcomeSpool                     // pulled before, and not saved yet
	OutcomeMirrored                  // pulled for this request
	OutcomeJoined                    // of a pull that somebody else began, here or at another gateway
	OutcomePassed                    // a range, or the headers for a HEAD: asked of an origin, nothing kept
	OutcomeProxied                   // passed through from an origin
	OutcomeRedirected                // sent to an origin
	OutcomeNegative                  // an origin's "no": 404, 410 or a passed status, remembered or not
	OutcomeDenied                    // by a rule in deny mode
	OutcomeRetired                   // 404 of a rule whose state is retired: it would have needed the origin
	OutcomePaused                    // 503 of a rule whose state is paused
	OutcomeMissing                   // in no bucket, and no rule is for it: 404
	OutcomeRefused                   // the client's own: 400, 405, 412, 416, 417, 431, no such site
	outcomes                         // how many there are
)

// outcomeNames are in the order of the outcomes.
func outcomeNames() [outcomes]string {
	return [outcomes]string{
		"error", "memory", "bucket", "spool", "mirrored", "joined", "passed", "proxied", "redirected", "negative", "denied",
		"retired", "paused", "missing", "refused",
	}
}

// String is the outcome's name in metrics, logs and the API.
func (o Outcome) String() string { return outcomeNames()[o] }

// Answered is a request that has been answered, to the true end of its answer. It is handed out for the time of a call
// only: who is told of it keeps what it needs of its values, never the pointer.
type Answered struct {
	ID     string // as in X-Request-Id
	Client string // its address; that of X-Forwarded-For behind server.trusted_proxies
	Method string
	Host   string // as it came
	Target string // path and query, as they came
	Proto  string // HTTP/1.1
	Agent  string // its User-Agent
	Refer  string // its Referer

	Site string // "": none has the host
	Rule string // the one that the key matches, whether or not it was needed; "": none
	Key  string // as stored; "": the path has none

	Outcome Outcome
	Status  int
	Bytes   int64 // of the body, as sent
	// Origin is the role of the target that answered, here or at another gateway, or that the client was sent to; "": no
	// origin had a part in the answer.
	Origin  string
	NotKept string // why what an origin answered is not saved, of the closed list in cache.Pull.Reason

	Began     time.Time
	FirstByte time.Duration // from Began to where the answer is handed to the connection, with its first byte at hand
	Total     time.Duration // from Began to the end of the body
	Err       error         // why it failed, or its body broke off; nil: it is whole
	Trace     string        // the id of its trace; "": it has none
}

// Needed tells whether the answer came from an origin, so that without one it would have been another.
func (a *Answered) Needed() bool { return a.Outcome.Needed() }

// Needed tells whether an answer of this outcome came from an origin.
func (o Outcome) Needed() bool {
	switch o {
	case OutcomeMirrored, OutcomeJoined, OutcomePassed, OutcomeProxied, OutcomeRedirected:
		return true
	}
	return false
}
