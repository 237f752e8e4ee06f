package cache

import (
	"context"
	"errors"
	"time"
)

// ErrUnchanged is what the loader of a check returns when the origin says that the copy is still good.
var ErrUnchanged = errors.New("the copy is still good")

// recheck is how far two checks of a copy are apart at least, in the end of one that failed as in a short period.
const recheck = 10 * time.Second

// Check pulls an object that is in the bucket once more, behind the answers, unless it was checked within the last
// period or is being checked now. load asks with the copy's validators; a Pull that it returns replaces the copy in the
// bucket if that is still the one of PutOptions.IfMatch.
func (c *Cache) Check(site *Site, key string, period time.Duration, load Loader) {
	f := c.newFlight(ID{site.Name, key}, site, FillOptions{Check: true}, load)
	f.period = max(period, recheck)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, done := c.checked.find(f.id); done || c.flights[f.key()] != nil {
		return
	}
	if !c.checked.put(f.id, struct{}{}, recheck) {
		return // nothing would keep the next request from checking again
	}
	c.flights[f.key()] = f
	f.start()
}

// Checked tells whether a Check of the object would do nothing: it was compared lately.
func (c *Cache) Checked(site *Site, key string) bool {
	_, done := c.checked.find(ID{site.Name, key})
	return done
}

// Refresh does the same at once, and waits: nil when the copy is going to be replaced, ErrUnchanged, a *NegativeError
// when the origin has the object no more, a *RefusedError when what it has now is not kept, or what went wrong. A check
// that is under way is joined.
func (c *Cache) Refresh(ctx context.Context, site *Site, key string, o FillOptions, load Loader) error {
	o.Check = true
	for {
		f := c.newFlight(ID{site.Name, key}, site, o, load)
		f.period, f.claimed = recheck, true // whatever other gateways do
		f = c.launch(f)
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !f.told {
			return f.refreshed()
		}
	}
}

// refreshed is what a Refresh returns.
func (f *flight) refreshed() error {
	switch {
	case f.outcome == outcomeFailed:
		return f.err
	case f.dropped != "":
		return &RefusedError{Reason: f.dropped}
	default:
		return f.body.failure()
	}
}

// RefusedError means that an answer of the origin is not kept.
type RefusedError struct {
	Reason string // of the list in Pull.Reason, or unchanged: the body is that of the copy (Pull.SameMD5)
}

func (e *RefusedError) Error() string { return "the origin's answer is not kept: " + e.Reason }

// launch starts f, or finds the flight of the same key that is under way.
func (c *Cache) launch(f *flight) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if flies, ok := c.flights[f.key()]; ok {
		return flies
	}
	c.flights[f.key()] = f
	f.start()
	return f
}

// settle remembers that a check was made: for its whole period when its outcome stands, be it that the copy is good, is
// being replaced, or may not be; else until it may be tried again.
func (f *flight) settle(stands bool) {
	switch {
	case !f.opts.Check:
	case stands:
		f.cache.checked.put(f.id, struct{}{}, f.period)
		f.settleLease()
	default:
		f.cache.checked.put(f.id, struct{}{}, recheck)
	}
}
