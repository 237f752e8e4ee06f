package cache

import "context"

// PullAgain pulls an object that no request waits for, and returns when that has ended: nil when the object is
// committed to be saved, here or at another gateway, or is there already. A pull that is under way is joined.
//
// Errors: *NegativeError when the origins have no such object, *RefusedError when what they have is not kept, or what
// went wrong.
func (c *Cache) PullAgain(ctx context.Context, site *Site, key string, o FillOptions, load Loader) error {
	id := ID{site.Name, key}
	if n := c.negative.find(id, o.Scope); n != nil {
		return n
	}
	for {
		f := c.newFlight(id, site, o, load)
		f.again = true
		f = c.launch(f)
		select {
		case <-f.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if f.again || !f.told {
			return f.pulledAgain()
		}
	}
}

// pulledAgain is what a PullAgain returns.
func (f *flight) pulledAgain() error {
	switch {
	case f.outcome == outcomeFailed:
		return f.err
	case f.outcome == outcomePresent:
		return nil
	case f.dropped != "":
		return &RefusedError{Reason: f.dropped}
	case f.outcome == outcomeAlone: // for the request that caused it
		return &RefusedError{Reason: "alone"}
	default:
		return f.body.failure()
	}
}
