package cache

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Stats is what goes on in a Cache, and what has since the start.
type Stats struct {
	Flights   int // pulls under way, those that follow another gateway or wait for a place too
	Readers   int // that read from them
	Waiting   int // requests that wait for the first byte of one
	Pulls     int // those that have one of the places of limits.max_pulls
	MaxPulls  int
	Relays    int // bodies that come from other gateways
	Negatives int // remembered answers that there is no object
	NotKept   map[NotKept]int64
	Memory    MemoryStats
}

// NotKept is why answers of a site's origins were not kept.
type NotKept struct {
	Site   string
	Reason string // of the list in Pull.Reason
}

// MemoryStats is what memory holds.
type MemoryStats struct {
	Bytes   int64 // of bodies and headers that are kept
	Max     int64 // Memory.MaxBytes; 0: it is off
	Entries int
	Held    int64 // bytes of bodies that are kept, arriving, or read by somebody
	// Since the start:
	Evicted int64 // objects that were dropped for want of room
	Checks  int64 // times that the bucket was asked whether a body is still the object's
}

// tally counts what no structure of the cache tells.
type tally struct {
	flights, readers atomic.Int64

	mu      sync.Mutex
	notKept map[NotKept]int64
}

func (t *tally) countNotKept(site, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.notKept == nil {
		t.notKept = make(map[NotKept]int64)
	}
	t.notKept[NotKept{site, reason}]++
}

// countNotKept counts an answer of an origin. Parts are never kept, and what another gateway pulls is counted there.
func (f *flight) countNotKept(reason string) {
	if f.opts.Part == nil && !f.relays {
		f.cache.tally.countNotKept(f.id.Site, reason)
	}
}

func (t *tally) allNotKept() map[NotKept]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.notKept)
}

// Stats counts.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	waiting := c.waiting
	c.mu.Unlock()
	return Stats{
		Flights: int(c.tally.flights.Load()), Readers: int(c.tally.readers.Load()), Waiting: waiting,
		Pulls: len(c.slots), MaxPulls: cap(c.slots), Relays: len(c.relays),
		Negatives: c.negative.answers.size(), NotKept: c.tally.allNotKept(), Memory: c.memory.stats(),
	}
}

// stats counts, also where there is no memory.
func (m *memory) stats() MemoryStats {
	if m == nil {
		return MemoryStats{}
	}
	return MemoryStats{
		Bytes: int64(m.kept.WeightedSize()), Max: m.cfg.MaxBytes, Entries: m.kept.EstimatedSize(), Held: m.held.Load(),
		Evicted: m.evicted.Load(), Checks: m.checks.Load(),
	}
}
