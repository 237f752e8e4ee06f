package cache

import (
	"context"
	"errors"
	"io"
)

// relay follows another gateway's pull for the clients of this one, and tells whether that was the end of the flight;
// if not, the peer is of no use. s is where the peer comes from.
func (f *flight) relay(ctx context.Context, peer Peer, s *Standing) bool {
	if err := acquire(ctx, f.cache.relays, f.opts.Wait, "limits.max_pulls"); err != nil {
		f.end(err)
		return true
	}
	defer func() { <-f.cache.relays }()
	f.turn(true)
	pull, err := begun(ctx, peer)
	if err == nil && f.again && pull.Kept {
		if err = toEnd(pull); err == nil && f.leaves() {
			return true
		}
		if err == nil { // a client has come meanwhile
			pull, err = begun(ctx, peer)
		}
	}
	switch {
	case err != nil:
		return f.refused(err)
	case pull.Kept && f.leaves():
		_ = pull.Body.Close() // nobody wants it
		return true
	case !pull.Kept && !f.cache.isAwaited(f): // and here it may be kept
		_ = pull.Body.Close() // likewise
		f.turn(false)
		return false
	}
	f.relays = true
	pull.Body = &relayed{ctx: ctx, flight: f, body: pull.Body, meta: pull.Meta, past: s}
	f.take(ctx, pull, func() {})
	return true
}

// toEnd reads a body to its end: then the gateway that it comes from has committed it.
func toEnd(p *Pull) error {
	defer p.Body.Close()
	n, err := io.Copy(io.Discard, p.Body)
	if err == nil && p.Meta.Size >= 0 && n != p.Meta.Size {
		return &LengthError{Got: n, Want: p.Meta.Size}
	}
	return err
}

// leaves ends a flight that nobody waits for, behind a redirect or to pull an object again, as the other gateway lives
// and has it saved, and tells whether it did.
func (f *flight) leaves() bool {
	if !f.cache.unawaited(f) {
		return false
	}
	f.told = true
	f.publish(outcomePresent)
	return true
}

// refused ends the flight if a peer's answer is also ours, and tells whether it is.
func (f *flight) refused(err error) bool {
	var (
		failed   *PeerError
		negative *NegativeError
	)
	switch {
	case errors.Is(err, ErrPeerAlone):
		f.cache.unshared.put(f.id, false, unsharedTTL)
		f.cache.leave(f)
		f.publish(outcomeAlone)
	case errors.As(err, &failed), errors.As(err, &negative):
		f.relays = true
		f.fail(err)
	default:
		f.turn(false)
		return false
	}
	return true
}

// turn says whether the flight follows another gateway from now on. Then it is of no use to others: two that wait for
// each other would wait for ever.
func (f *flight) turn(follows bool) {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	if follows {
		close(f.follows)
	} else {
		f.follows = make(chan struct{})
	}
}

// isAwaited tells whether anybody waits for the flight.
func (c *Cache) isAwaited(f *flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f.coming > 0
}

// unawaited makes a flight leave if nobody waits for it, and tells whether it did.
func (c *Cache) unawaited(f *flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.coming > 0 {
		return false
	}
	c.remove(f)
	return true
}

// begun opens a peer's body and waits until there is something to show to readers. Until then nobody has seen anything
// of it, so one that breaks off is opened once more, and then given up without harm.
func begun(ctx context.Context, peer Peer) (pull *Pull, err error) {
	for range 2 {
		if pull, err = peer.Open(ctx, 0, ""); err != nil {
			return nil, err
		}
		body := &begunBody{ReadCloser: pull.Body, first: make([]byte, 0, 512)}
		if err = body.begin(); !errors.Is(err, ErrPeerGone) {
			pull.Body = body
			return pull, nil
		}
		_ = pull.Body.Close() // it is broken
	}
	return nil, err
}

// begunBody is a body whose first bytes have been read.
type begunBody struct {
	io.ReadCloser
	first []byte
	err   error // what came after them
}

// begin reads two bytes, if there are so many: the last one that there is, is withheld from readers.
func (b *begunBody) begin() error {
	for len(b.first) < 2 && b.err == nil {
		var n int
		n, b.err = b.ReadCloser.Read(b.first[len(b.first):cap(b.first)])
		b.first = b.first[:len(b.first)+n]
	}
	if len(b.first) < 2 {
		return b.err
	}
	return nil
}

func (b *begunBody) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.ReadCloser.Read(p)
}
