package migration

import (
	"container/heap"
	"math"
	"time"
)

// sketch finds the keys that come most often, with a bounded number of counters: Space-Saving (Metwally, Agrawal and El
// Abbadi, 2005). Of keys without a counter each was counted at most floor times. While the bound stays, floor is at
// most the sum of all divided by it, and a key that came more often than that has a counter.
type sketch struct {
	capacity int
	floor    float64
	least    byCount
	index    map[string]*counter
}

// counter is a key's. It came at most count times, and at least count-over times.
type counter struct {
	key         string
	count, over float64
	last        time.Time
	place       int // in the heap
}

func newSketch(capacity int) sketch {
	return sketch{capacity: capacity, index: make(map[string]*counter)}
}

// add counts a key.
func (s *sketch) add(key string, now time.Time) {
	c := s.index[key]
	switch {
	case c != nil:
		c.count++
		c.last = now
		heap.Fix(&s.least, c.place)
		return
	case len(s.least) >= s.capacity:
		s.drop()
	}
	s.insert(&counter{key: key, count: s.floor + 1, over: s.floor, last: now})
}

func (s *sketch) insert(c *counter) {
	s.index[c.key] = c
	heap.Push(&s.least, c)
}

// drop takes the counter of the lowest count out.
func (s *sketch) drop() {
	c := heap.Pop(&s.least).(*counter)
	delete(s.index, c.key)
	s.floor = max(s.floor, c.count)
}

// resize sets how many counters there are at most.
func (s *sketch) resize(capacity int) {
	s.capacity = capacity
	for len(s.least) > capacity {
		s.drop()
	}
}

// faded is the count below which a key is forgotten: after a week of halving each day, for what came once.
const faded = 1.0 / 128

// fade multiplies all counts by less than 1.
func (s *sketch) fade(by float64) {
	s.floor *= by
	for _, c := range s.least {
		c.count *= by
		c.over *= by
	}
	for len(s.least) > 0 && s.least[0].count < faded {
		s.drop()
	}
	if s.floor < faded {
		s.floor = 0
	}
}

// Hitter is a key or folder that came often: at most Count times, and at most Error fewer. Both halve within a day.
type Hitter struct {
	Key   string
	Count int64
	Error int64
	Last  time.Time
}

// sure is how often the key came at least.
func (c *counter) sure() float64 { return c.count - c.over }

// stands tells whether the count says something of the key: at least half of it is the key's own.
func (c *counter) stands() bool { return 2*c.over <= c.count }

func (c *counter) hitter(now time.Time) Hitter {
	return Hitter{printable(c.key), whole(c.count), whole(c.over), earliest(c.last, now)}
}

// whole rounds up: what came is not shown as 0.
func whole(count float64) int64 {
	const noise = 1e-6 // of the fading
	return int64(math.Ceil(min(count, 1<<62) - noise))
}

// byCount is a heap with the lowest count on top.
type byCount []*counter

func (h byCount) Len() int           { return len(h) }
func (h byCount) Less(i, j int) bool { return h[i].count < h[j].count }
func (h byCount) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *byCount) Push(c any) {
	c.(*counter).place = len(*h)
	*h = append(*h, c.(*counter))
}

// Pop implements heap.Interface.
func (h *byCount) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}
