package cache

import (
	"context"
	"time"
)

// maxClaims is how often a flight asks who pulls: each time but the first since the answer before has proven wrong.
const maxClaims = 4

// maxSettled is how long a check that was made by one gateway holds for the others, at most: it costs a note.
const maxSettled = time.Hour

// leads finds out whether this gateway is to pull. Where another one does, or has, it ends the flight with what that
// one has.
func (f *flight) leads(ctx context.Context) bool {
	if f.cache.fleet == nil || f.claimed || f.opts.Solo || f.opts.Part != nil {
		return true // alone, or a part, or decided already
	}
	f.claimed = true
	var past *Standing
	for range maxClaims {
		s := f.cache.fleet.Claim(ctx, f.id, f.opts.Scope, past)
		switch {
		case s.Lease != nil:
			f.lease = s.Lease
			return true
		case f.opts.Check:
			return !f.checkedBy(s)
		case s.Negative != nil:
			f.cache.negative.remember(f.id, f.opts.Scope, s.Negative, s.Left)
			f.end(s.Negative)
			return false
		case s.Peer != nil:
			if f.relay(ctx, s.Peer, &s) {
				return false
			}
		case !s.Saved:
			return true // nobody knows
		}
		if f.stored(ctx) {
			return false
		}
		past = &s
	}
	return true
}

// checkedBy ends a check that another gateway has made, or is making.
func (f *flight) checkedBy(s Standing) bool {
	if s.Peer == nil && !s.Saved {
		return false
	}
	f.settle(s.Saved)
	f.told = true
	f.end(ErrUnchanged)
	return true
}

// stored ends the flight if the bucket has the object by now.
func (f *flight) stored(ctx context.Context) bool {
	_, err := f.site.Bucket.Open(ctx, f.id.Key, ReadOptions{HeadersOnly: true})
	return f.found(err)
}

// learn remembers that origins do not have the object, here and at the other gateways.
func (f *flight) learn(n *NegativeError) {
	f.cache.negative.remember(f.id, f.opts.Scope, n, f.opts.NegativeTTL)
	if f.cache.fleet != nil && !f.relays && f.opts.NegativeTTL > 0 {
		f.cache.fleet.Learnt(f.id, f.opts.Scope, n, f.opts.NegativeTTL)
	}
}

// end ends a flight of which no reader has seen anything, with what another gateway has said.
func (f *flight) end(err error) {
	f.err = err
	f.cache.leave(f)
	f.publish(outcomeFailed)
}

// commitLease says that the body is about to be kept, also where nobody could tell who was to pull it.
func (f *flight) commitLease() {
	switch {
	case f.lease != nil:
		f.lease.Commit(f.cache.life)
	case f.cache.fleet != nil:
		f.cache.fleet.Keeps(f.cache.life, f.id)
	}
}

// settleLease tells the other gateways that a check was made.
func (f *flight) settleLease() {
	if f.lease != nil && !f.kept {
		f.lease.Settle(min(f.period, maxSettled))
		f.lease = nil
	}
}

// endLease gives the lease back, unless the spool has the object: then it lasts until that is saved.
func (f *flight) endLease() {
	if f.lease != nil && !f.kept {
		f.lease.Release()
		f.lease = nil
	}
}
