package bucket

import (
	"context"
	"slices"
	"sync"
	"time"
)

// idleConn is how long an unused connection is kept: servers close theirs after 20 s to a few minutes.
const idleConn = 20 * time.Second

// pool keeps connections between two requests. The one that was used last is taken first, so that few are in use, and
// all others are at least as stale.
type pool struct {
	mu     sync.Mutex
	idle   []*readConn // in the order of their last use
	closed bool        // none is kept any more
}

// take gives the connection that was used last, or nil. Whoever takes it, owns it.
func (p *pool) take(now time.Time) *readConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || now.Sub(p.idle[last].since) >= idleConn {
		return nil // expire closes it
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps c, whose last answer has been read to its end, for the next request.
func (p *pool) put(c *readConn, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close() // nothing is under way on it
		return
	}
	c.since = now
	p.idle = append(p.idle, c)
}

// closeIdle closes all that are idle.
func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeFirst(len(p.idle))
}

// expire closes those that have been idle for too long.
func (p *pool) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, c := range p.idle {
		if now.Sub(c.since) < idleConn {
			p.closeFirst(n)
			return
		}
	}
	p.closeFirst(len(p.idle))
}

// closeFirst closes the n that have been idle for longest. The caller holds mu.
func (p *pool) closeFirst(n int) {
	for _, c := range p.idle[:n] {
		_ = c.Close() // nothing is under way on it
	}
	p.idle = slices.Delete(p.idle, 0, n)
}

// run closes what has been idle for too long until ctx ends, and then everything, also what becomes idle later.
func (p *pool) run(ctx context.Context) {
	tick := time.NewTicker(idleConn / 4)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			p.expire(now)
		case <-ctx.Done():
			p.mu.Lock()
			p.closed = true
			p.mu.Unlock()
			p.closeIdle()
			return
		}
	}
}
