package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Fleet is what gateways with the same buckets tell each other about pulls. What it says are hints: the bucket's
// create-only write is what keeps two pulls of one object from harming each other. No method fails: where the others
// cannot be asked, a gateway works on its own. All methods may be called concurrently.
type Fleet interface {
	// Claim asks who pulls id, and makes it the caller if nobody does. scope is FillOptions.Scope. past is a Standing of
	// the same id which has turned out to be of no use, and is passed over if it stands still; nil: there is none.
	// Where another gateway pulls that cannot be reached, it waits a short, bounded time for it.
	Claim(ctx context.Context, id ID, scope string, past *Standing) Standing
	// Learnt tells the others, for ttl, that the origins asked do not have id.
	Learnt(id ID, scope string, answer *NegativeError, ttl time.Duration)
	// Keeps says that a body is about to be committed to the spool that was pulled without a Lease. As with
	// Lease.Commit, what is not saved when this gateway is lost will be pulled again by another.
	Keeps(ctx context.Context, id ID)
}

// Standing is how things stand with a key that is to be pulled. At most one of Lease, Negative, Peer and Saved is set;
// none: nobody knows, and the caller does best to pull on its own.
type Standing struct {
	Lease    Lease          // the caller pulls, and ends the lease
	Negative *NegativeError // another gateway has learnt that there is no such object; Remembered
	Peer     Peer           // another gateway pulls it, or keeps it until it is saved
	Saved    bool           // another gateway has found or made the bucket's object good a moment ago

	Left time.Duration // how long Negative holds
	Note string        // what stands in the fleet's notes, for the next Claim; opaque
}

// Lease is the right to pull a key for all gateways. It is ended by Commit, or by Release or Settle.
type Lease interface {
	// Commit says that the body is about to be committed to the spool: the lease lasts until the object is saved, and
	// what is not saved when this gateway is lost will be pulled again by another. It returns when that is noted, or
	// after a short, bounded time.
	Commit(ctx context.Context)
	// Release ends the lease: nothing is kept, also after a Commit. It does not block.
	Release()
	// Settle ends the lease of a check: the bucket's object is good, and for the time given nobody need check it again.
	// It does not block.
	Settle(period time.Duration)
}

// PeerPath is where a gateway answers a PeerAsk, on the port of its clients.
const PeerPath = "/" + InternalPrefix + "pull"

// Peer is another gateway that has an object, or is pulling it.
type Peer interface {
	// Open asks for the body from byte from on; match is the origin's strong ETag that the object must have, or "". It
	// returns when the peer knows what it can give: a Pull whose Meta is the whole object's, and which is Relayed.
	//
	// Errors: ErrPeerGone; ErrPeerLacks; ErrPeerAlone; *NegativeError and *PeerError when the peer's pull failed.
	// The body fails with ErrPeerGone when the peer ends before its end.
	Open(ctx context.Context, from int64, match string) (*Pull, error)
}

// Why a peer gives no body.
var (
	// ErrPeerGone means that a peer cannot be reached, does not answer as one of the fleet does, or has lost its lease.
	ErrPeerGone = errors.New("the gateway that pulls this object does not answer")
	// ErrPeerLacks means that a peer does not have the object (any more), or has another version of it.
	ErrPeerLacks = errors.New("the gateway that pulled this object has it no more")
	// ErrPeerAlone means that the answer which the peer got may not be shared.
	ErrPeerAlone = errors.New("another gateway got an answer that may not be shared")
)

// PeerError is a pull's failure at the gateway that pulls for all: what clients of that gateway are told.
type PeerError struct {
	Status     int           `json:"status"`
	Code       string        `json:"code"`
	Message    string        `json:"message"` // public: no addresses, no secrets
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Negative   bool          `json:"negative,omitempty"` // the origins have no such object
}

func (e *PeerError) Error() string {
	return fmt.Sprintf("at the gateway that pulls it: status %d %s: %s", e.Status, e.Code, e.Message)
}

// PeerAsk is what one gateway asks of another: the body of an object that it pulls or has in its spool.
type PeerAsk struct {
	ID
	From  int64  // the first byte
	Match string // the origin's strong ETag that the object must have; "": any
	Nonce string // makes the answer's proof the asker's own; opaque
}

// PeerAnswer is what it says before the body.
type PeerAnswer struct {
	Outcome PeerOutcome
	Meta    Meta
	Length  int64      // bytes of the body, which begins at the byte asked for; -1: not known
	Target  string     // the origin's target that gave it
	Kept    bool       // it will be saved if its end is proven
	Fault   *PeerError // of PeerFailed

	Body io.ReadCloser // of PeerHas
}

// PeerOutcome is what came of a PeerAsk.
type PeerOutcome string

// The outcomes.
const (
	PeerHas    PeerOutcome = "has"    // the body follows
	PeerLacks  PeerOutcome = "lacks"  // ErrPeerLacks
	PeerAlone  PeerOutcome = "alone"  // ErrPeerAlone
	PeerFailed PeerOutcome = "failed" // the pull failed: PeerAnswer.Fault
)
