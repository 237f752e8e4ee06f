package cache

import (
	"context"
	"errors"
	"io"
	"strings"
)

// relayed is a body from another gateway. If it breaks off it goes on from wherever the rest can be had: from the
// gateway that pulls now, from the bucket, or from a pull of this gateway's own. That must have the same strong ETag.
type relayed struct {
	ctx    context.Context
	flight *flight
	body   io.ReadCloser
	meta   Meta      // of the whole object
	past   *Standing // where body comes from
	at     int64
	breaks int
	stuck  int64 // behind the byte at which it broke off last
	broke  error // body ends here
	failed error // and is not continued
}

// maxBreaks is how often a body from other gateways is continued.
const maxBreaks = 3

func (r *relayed) Read(p []byte) (int, error) {
	for r.failed == nil {
		if r.broke != nil {
			r.failed = r.goOn()
			continue
		}
		n, err := r.body.Read(p)
		r.at += int64(n)
		if !errors.Is(err, ErrPeerGone) {
			return n, err
		}
		r.broke = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, r.failed
}

func (r *relayed) Close() error { return r.body.Close() }

// goOn finds the rest of the body.
func (r *relayed) goOn() error {
	if r.at == r.meta.Size {
		return io.EOF // who has the last byte has the proof of the end
	}
	broke := r.broke
	if r.breaks++; r.breaks > maxBreaks || !strings.HasPrefix(r.meta.Origin.ETag, `"`) || r.ctx.Err() != nil {
		return broke
	}
	_ = r.body.Close() // it is broken
	r.body, r.broke = io.NopCloser(strings.NewReader("")), nil
	past, moved := r.past, r.at >= r.stuck
	r.stuck = r.at + 1
	if past.Peer != nil && moved { // it may be the connection alone that broke
		if body, err := r.rest(*past); err == nil {
			r.body = body
			return nil
		}
	}
	for range maxClaims {
		r.flight.turn(false) // who hears that this gateway leads waits until it does
		s := r.flight.cache.fleet.Claim(r.ctx, r.flight.id, r.flight.opts.Scope, past)
		if s.Lease == nil {
			r.flight.turn(true)
		}
		body, err := r.rest(s)
		if err == nil {
			r.body, r.past = body, &s
			return nil
		}
		broke = errors.Join(broke, err)
		if s.Lease != nil || s.Peer == nil && !s.Saved {
			break // what this gateway could not do itself
		}
		past = &s
	}
	return broke
}

// rest opens the body from where it broke off.
func (r *relayed) rest(s Standing) (io.ReadCloser, error) {
	switch {
	case s.Peer != nil:
		pull, err := s.Peer.Open(r.ctx, r.at, r.meta.Origin.ETag)
		if err != nil {
			return nil, err
		}
		return r.same(pull.Meta, pull.Body)
	case s.Saved:
		return r.stored()
	case s.Negative != nil:
		return nil, s.Negative
	default:
		return r.own(s.Lease)
	}
}

// stored opens the rest of what is in the bucket, or in the spool.
func (r *relayed) stored() (io.ReadCloser, error) {
	f, o := r.flight, ReadOptions{Range: &Range{First: r.at, Last: -1}}
	obj, err := f.site.Bucket.Open(r.ctx, f.id.Key, o)
	if errors.Is(err, ErrNotFound) {
		obj, err = f.cache.spool.Open(f.id, o)
	}
	if err != nil {
		return nil, err
	}
	return r.same(obj.Meta, obj.Body)
}

// errAnother means that the rest of a body that broke off is not there any more.
var errAnother = errors.New("there is another version of the object by now")

// same takes body for the rest if it is that of the same object.
func (r *relayed) same(m Meta, body io.ReadCloser) (io.ReadCloser, error) {
	if m.Origin.ETag != r.meta.Origin.ETag || r.meta.Size >= 0 && m.Size >= 0 && m.Size != r.meta.Size {
		return nil, errors.Join(errAnother, body.Close())
	}
	return body, nil
}

// own pulls the object, as a flight that takes the place of this one, and follows that.
func (r *relayed) own(lease Lease) (io.ReadCloser, error) {
	f := r.flight
	if f.opts.Later == nil {
		if lease != nil {
			lease.Release()
			f.turn(true)
		}
		return nil, errors.New("nobody can pull it")
	}
	next := f.cache.newFlight(f.id, f.site, f.opts, f.opts.Later)
	next.lease, next.claimed = lease, true
	next = f.cache.succeed(f, next)
	if lease != nil {
		f.turn(true)
	}
	defer f.cache.arrived(next)
	obj, err := next.follow(false)
	switch {
	case errors.Is(err, ErrStored):
		return r.stored()
	case err != nil:
		return nil, err
	}
	body, err := r.same(obj.Meta, obj.Body)
	if err != nil {
		return nil, err
	}
	left := int64(-1)
	if obj.Length >= 0 {
		if left = obj.Length - r.at; left < 0 {
			return nil, errors.Join(errAnother, body.Close())
		}
	}
	body.(*follower).enter(r.at, left)
	return body, nil
}

// succeed starts next in the place of f, which nobody joins any more. If another flight has taken that place, it
// returns that one. The caller calls arrived.
func (c *Cache) succeed(f, next *flight) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(f)
	flies, ok := c.flights[next.key()]
	if ok {
		next.endLease()
		next = flies
	} else {
		c.flights[next.key()] = next
		next.start()
	}
	next.await()
	return next
}
