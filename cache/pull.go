package cache

import (
	"context"
	"io"
	"time"
)

// Loader asks the origin for an object. It returns once the response's header is there. Its context is the pull's own:
// it ends when the body has been read to its end or closed, never because a client left. An answer that the object is
// not there, or that the origin's refusal is to be passed on, is a *NegativeError.
type Loader func(ctx context.Context) (*Pull, error)

// Pull is an origin's answer.
type Pull struct {
	Meta   Meta
	Target string // primary or backup

	// Body gives io.EOF only at the end that the protocol proves (or that Reason calls unproven).
	Body io.ReadCloser

	// Start and Length are the part of the object that Body holds, for FillOptions.Part; Meta.Size is the whole's.
	Start, Length int64

	// Reason says why the answer must be neither shared nor kept, of a closed list:
	// no-store, private, set-cookie, cookie, vary, type, empty, unproven, max_object; "spool" is added here.
	// Empty: it may be shared and kept.
	Reason string
	// Final, if there is one, says the same once the length in bytes is known that Meta did not know.
	Final func(size int64) (reason string)

	// Relayed: the body is another gateway's, which saves the object if Kept. This one keeps nothing of it.
	Relayed, Kept bool

	// SameMD5, in hex, is that of the copy which is to be replaced: a body that is the same is not kept again.
	SameMD5 string

	Digests   []Digest // what the body must hash to
	Put       PutOptions
	SetCookie []string // for the request that caused the pull, never for others
}

// length is that of the body.
func (p *Pull) length() int64 {
	if p.partial() {
		return p.Length
	}
	return p.Meta.Size
}

func (p *Pull) partial() bool { return p.Length > 0 }

func (p *Pull) info() PullInfo {
	return PullInfo{
		Target: p.Target, Reason: p.Reason, SetCookie: p.SetCookie, Partial: p.partial(), Start: p.Start,
		Kept: p.Kept, Collapsed: p.Relayed, Trace: p.Put.Trace,
	}
}

// FillOptions says how an object is pulled.
type FillOptions struct {
	// Part asks for a part of the object, which is shared with those who ask for the same, and never kept.
	Part *Range
	// Check: the object is in the bucket, and is pulled again to see whether it has changed. What replaces it carries
	// PutOptions.IfMatch.
	Check bool
	// Solo: the answer is for this request alone, whatever it is: it is neither joined nor remembered, and the loader
	// gives a Reason.
	Solo bool
	// Wait bounds the wait for one of limits.max_pulls.
	Wait time.Duration

	// Stall bounds the wait for the slowest reader when the spool has no room left for a body that is being read.
	Stall time.Duration

	// Scope names what the answer "not there" depends on besides the site and key: the targets asked.
	Scope       string
	NegativeTTL time.Duration // 0: such answers are not remembered

	// Later is the loader of a pull that begins when another gateway's has broken off: what its client has waited for
	// until then does not count. nil: a body that breaks off there is not continued from an origin.
	Later Loader
}

// NegativeError is an origin's definite answer that clients get no object. It is remembered for a short time.
type NegativeError struct {
	Status     int  // what the client gets: 404, or a status that the rule passes on
	Remembered bool // no origin was asked for this request
	Err        error
}

func (e *NegativeError) Error() string {
	if e.Remembered {
		return "remembered: " + e.Err.Error()
	}
	return e.Err.Error()
}

func (e *NegativeError) Unwrap() error { return e.Err }
