package origin

import (
	"context"
	"time"
)

const (
	minGrant  = 16 << 10
	grantWait = 30 * time.Second       // no grant is taken that comes later
	grantSlow = 250 * time.Millisecond // one that comes later than this was too large: others wait as long for theirs
	grantAge  = time.Second            // what is left of a grant is forgotten then
)

// grants are the bytes that this gateway may still pass under a max_bandwidth of all gateways. They are taken many at a
// time, so that few questions are asked, and the fewer at a time the more gateways want them.
type grants struct {
	from Budget
	rate float64 // bytes per second
	most int64   // in one grant

	line chan struct{} // holds one while somebody uses the fields below
	size int64         // of the next grant
	left int64
	due  time.Time // when what is left may be used
}

func newGrants(from Budget, rate, most int64) *grants {
	return &grants{from: from, rate: float64(rate), most: most, size: most, line: make(chan struct{}, 1)}
}

// use waits until n bytes may pass.
func (g *grants) use(ctx context.Context, n int64) error {
	select {
	case g.line <- struct{}{}:
		defer func() { <-g.line }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if time.Since(g.due) > grantAge {
		g.left = 0
	}
	for g.left < n {
		if err := g.take(ctx); err != nil {
			return err
		}
	}
	if !passed(ctx, time.Until(g.due)) {
		return ctx.Err()
	}
	g.left -= n
	return nil
}

// take takes one more grant, or waits until one may be taken.
func (g *grants) take(ctx context.Context) error {
	wait, taken := g.from.Take(ctx, "max_bandwidth", float64(g.size), g.rate, float64(g.most), grantWait)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case taken:
		g.left, g.due = g.left+g.size, time.Now().Add(wait)
		g.adapt(wait)
	case !passed(ctx, max(wait-grantWait, grantSlow)):
		return ctx.Err()
	}
	return nil
}

// adapt chooses the size of the next grant by the wait for the last one.
func (g *grants) adapt(wait time.Duration) {
	if wait > grantSlow {
		g.size = max(g.size/2, min(minGrant, g.most))
	} else {
		g.size = min(g.size*2, g.most)
	}
}
