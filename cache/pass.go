package cache

import "time"

// passRest is how long a part that was asked of the origin keeps its place at least while the whole is being pulled:
// what a herd asks for is short, and would be asked for one after the other.
const passRest = 10 * time.Second

// pass takes a place under limits.max_range_pulls for a part. There is none while more readers than that wait for the
// whole pull to come to them: they are a herd, and whoever joins it waits with it. The caller holds the cache's mu.
func (c *Cache) pass(f *flight) error {
	whole := c.flights[flightKey{ID: f.id}]
	if whole != nil && whole.awaited() > c.limits.MaxRangePulls {
		return &BusyError{Setting: c.parts.setting}
	}
	leave, err := c.parts.enter(c.life, f.id, 0)
	if err != nil {
		return err
	}
	began := time.Now()
	f.leave = func() {
		if whole != nil {
			whole.awaitEnd(passRest - time.Since(began))
		}
		leave()
	}
	return nil
}

// awaited counts the readers that wait for f to come to them.
func (f *flight) awaited() int {
	if !f.published() || f.outcome != outcomeShared {
		return 0
	}
	return f.body.awaited()
}

// awaited counts the readers that begin behind what has arrived.
func (b *body) awaited() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for r := range b.readers {
		if r.off > b.written {
			n++
		}
	}
	return n
}

// awaitEnd waits until f has ended, at most for so long.
func (f *flight) awaitEnd(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
	}
}
