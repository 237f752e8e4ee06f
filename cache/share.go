package cache

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Share answers another gateway from a pull that this one makes, once it is known what comes of it, or from the spool.
// The answer's Body is the caller's to close. Its outcome is PeerFailed exactly if there is an error: that of the pull.
func (c *Cache) Share(ctx context.Context, ask PeerAsk) (PeerAnswer, error) {
	c.mu.Lock()
	f := c.flights[flightKey{ID: ask.ID}]
	var follows chan struct{}
	if f != nil {
		f.await()
		follows = f.follows
	}
	c.mu.Unlock()
	if f == nil {
		return c.shareEnded(ask)
	}
	defer c.arrived(f)
	select {
	case <-f.ready:
	case <-follows:
	case <-ctx.Done():
		return PeerAnswer{Outcome: PeerLacks}, nil
	}
	switch {
	case !f.published() || f.relays:
		return c.shareNext(ctx, f, follows, ask)
	case f.outcome == outcomeShared:
		return f.share(ask), nil
	case f.outcome == outcomeAlone && f.dropped != "spool": // for want of room: the asker may have some
		return PeerAnswer{Outcome: PeerAlone}, nil
	case f.outcome == outcomeAlone:
		return PeerAnswer{Outcome: PeerLacks}, nil
	case f.outcome == outcomePresent:
		return c.shareSpooled(ask)
	case c.failedHere(f.err):
		return PeerAnswer{Outcome: PeerLacks}, nil
	default:
		return PeerAnswer{Outcome: PeerFailed}, f.err
	}
}

// shareNext answers from the flight that has taken the place of f, which follows another gateway, or asks whether it
// has to lead.
func (c *Cache) shareNext(ctx context.Context, f *flight, follows chan struct{}, ask PeerAsk) (PeerAnswer, error) {
	select {
	case <-follows:
	case <-ctx.Done():
		return PeerAnswer{Outcome: PeerLacks}, nil
	}
	c.mu.Lock()
	next := c.flights[f.key()]
	c.mu.Unlock()
	if next == f || next == nil {
		return PeerAnswer{Outcome: PeerLacks}, nil
	}
	return c.Share(ctx, ask)
}

// failedTTL is how long the failure of a pull is kept for gateways that were on the way to ask for its body.
const failedTTL = 2 * time.Second

// failedHere tells whether a pull has failed for reasons of this gateway's own: another may do better.
func (c *Cache) failedHere(err error) bool {
	var (
		busy *BusyError
		disk *SpoolError
	)
	return errors.As(err, &busy) || errors.As(err, &disk) || c.life.Err() != nil
}

// shareEnded answers from what a pull has left behind.
func (c *Cache) shareEnded(ask PeerAsk) (PeerAnswer, error) {
	if err, ok := c.failed.find(ask.ID); ok {
		return PeerAnswer{Outcome: PeerFailed}, err
	}
	return c.shareSpooled(ask)
}

// share opens the flight's body for another gateway.
func (f *flight) share(ask PeerAsk) PeerAnswer {
	reader, size := f.body.open()
	meta := f.meta
	meta.Size = size
	if !ask.fits(meta) {
		_ = reader.Close() // nothing was read
		return PeerAnswer{Outcome: PeerLacks}
	}
	left := int64(-1)
	if size >= 0 {
		left = size - ask.From
	}
	reader.enter(ask.From, left)
	return PeerAnswer{
		Outcome: PeerHas, Meta: meta, Length: left, Target: f.info.Target, Kept: f.info.Kept, Body: reader,
	}
}

// fits tells whether the object is the one that was asked for, and has bytes from the first one on.
func (a PeerAsk) fits(m Meta) bool {
	if a.Match != "" && (a.Match != m.Origin.ETag || !strings.HasPrefix(a.Match, `"`)) {
		return false
	}
	return a.From == 0 || a.From > 0 && (m.Size < 0 || a.From < m.Size)
}

// shareSpooled opens what is committed and not yet saved.
func (c *Cache) shareSpooled(ask PeerAsk) (PeerAnswer, error) {
	var o ReadOptions
	if ask.From > 0 {
		o.Range = &Range{First: ask.From, Last: -1}
	}
	obj, err := c.spool.Open(ask.ID, o)
	if err != nil {
		return PeerAnswer{Outcome: PeerLacks}, nil // or cannot read it: the asker does without
	}
	if !ask.fits(obj.Meta) {
		_ = obj.Body.Close() // nothing was read
		return PeerAnswer{Outcome: PeerLacks}, nil
	}
	return PeerAnswer{
		Outcome: PeerHas, Meta: obj.Meta, Length: obj.Length, Target: obj.Meta.Origin.Target, Kept: true, Body: obj.Body,
	}, nil
}
