package writeback

import (
	"container/heap"
	"time"
)

// shutAfter is how many uploads in a row must fail before a site's bucket is taken to be away. Then one is tried at a
// time, after pauses of up to longestShut, until one succeeds: entries are not what is wrong.
const (
	shutAfter   = 4
	longestShut = 30 * time.Second
)

// unreadyPause is how long a lane waits for a bucket that is still being probed: to look again costs the reading of a
// file, and no request.
const unreadyPause = 100 * time.Millisecond

// lane is the queue of one site.
type lane struct {
	waiting  dueHeap
	failures int       // in a row that were the bucket's
	until    time.Time // while it is shut: when the next one may be tried
	probe    *entry    // that one, while it is being uploaded
}

// wait is how long it takes until an entry may be given out; 0 or less: now.
func (l *lane) wait(now time.Time) time.Duration {
	switch {
	case len(l.waiting) == 0:
		return forever
	case l.failures < shutAfter:
		return l.waiting[0].due.Sub(now)
	case l.probe != nil:
		return forever // its end tells more
	}
	return l.until.Sub(now)
}

func (l *lane) take() *entry {
	e := heap.Pop(&l.waiting).(*entry)
	e.queued = false
	if l.failures >= shutAfter {
		l.probe = e
	}
	return e
}

// heed takes in what the upload of an entry says about the bucket; nil is one that did not wait in the lane.
func (l *lane) heed(e *entry, v verdict, now time.Time) {
	probed := e != nil && e == l.probe
	if probed {
		l.probe = nil
	}
	switch v {
	case verdictIll:
		if l.failures >= shutAfter && !probed {
			return // it began before the lane was shut, with others that failed, and says nothing new
		}
		if l.failures++; l.failures >= shutAfter {
			l.until = now.Add(backoff(l.failures-shutAfter+1, longestShut))
		}
	case verdictUnready:
		l.failures = max(l.failures, shutAfter)
		l.until = now.Add(unreadyPause)
	case verdictWell:
		if l.failures >= shutAfter { // what failed meanwhile need not wait for its turn any longer
			for _, e := range l.waiting {
				e.due = time.Time{}
			}
			heap.Init(&l.waiting)
		}
		l.failures = 0
	}
}

// dueHeap orders entries by when they are due, then by age.
type dueHeap []*entry

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].serial < h[j].serial
	}
	return h[i].due.Before(h[j].due)
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(*entry)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
