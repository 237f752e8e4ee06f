package writeback

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"
)

// queue gives out entries when they are due: of each site the one that is due first, then the oldest. The sites take
// turns, and a site whose bucket fails holds up nothing but itself.
type queue struct {
	mu     sync.Mutex
	lanes  map[string]*lane
	turns  []*lane // the next one first
	paused pausers
	taken  int           // given out, or entered, and not done
	wake   chan struct{} // something changed that a waiting worker should see
	idle   chan struct{} // closed and replaced when something is done
}

func newQueue() *queue {
	return &queue{lanes: make(map[string]*lane), wake: make(chan struct{}, 1), idle: make(chan struct{})}
}

// verdict is what an upload says about its bucket.
type verdict int

const (
	verdictWell    verdict = iota // it answered, whatever it said
	verdictIll                    // it failed in a way that passes
	verdictNone                   // it was not asked
	verdictUnready                // nor can it be, before it has answered its probe
)

// push adds an entry that is not in the queue, to be given out when it is due; the zero time is at once.
func (q *queue) push(e *entry, due time.Time) {
	q.mu.Lock()
	e.due, e.queued = due, true
	heap.Push(&q.lane(e.site).waiting, e)
	q.mu.Unlock()
	q.signal()
}

// remove takes an entry out that has not been given out.
func (q *queue) remove(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !e.queued {
		return
	}
	l := q.lane(e.site)
	if i := slices.Index(l.waiting, e); i >= 0 {
		heap.Remove(&l.waiting, i)
	}
	e.queued = false
}

func (q *queue) lane(site string) *lane {
	l := q.lanes[site]
	if l == nil {
		l = new(lane)
		q.lanes[site] = l
		q.turns = append(q.turns, l)
	}
	return l
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pause stops giving out entries, or ends that, as far as one of the pausers is concerned. It tells whether that is
// new.
func (q *queue) pause(by pausers, yes bool) (changed bool) {
	q.mu.Lock()
	before := q.paused
	if q.paused &^= by; yes {
		q.paused |= by
	}
	changed = q.paused != before
	q.mu.Unlock()
	q.signal()
	return changed
}

// next waits for an entry that is due. The caller says done when it has dealt with it.
func (q *queue) next(ctx context.Context) (*entry, bool) {
	for ctx.Err() == nil {
		e, wait := q.take()
		if e != nil {
			return e, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-q.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil, false
}

// forever is a wait that only a wake-up ends.
const forever = time.Hour

// take returns an entry that is due, else how long to wait for one.
func (q *queue) take() (*entry, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, soonest := time.Now(), forever
	if q.paused != 0 {
		return nil, forever
	}
	for i, l := range q.turns {
		wait := l.wait(now)
		if wait > 0 {
			soonest = min(soonest, wait)
			continue
		}
		q.turns = append(slices.Delete(q.turns, i, i+1), l)
		q.taken++
		q.signal() // one wake-up may stand for several entries
		return l.take(), 0
	}
	return nil, soonest
}

// enter counts an upload that did not wait in the queue, unless this is no time to begin one. It ends with leave.
func (q *queue) enter(site string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lane(site)
	if q.paused != 0 || l.failures > 0 {
		return false
	}
	q.taken++
	return true
}

// leave says how such an upload ended. Its entry was put back before, if it is to be tried again.
func (q *queue) leave(site string, v verdict) { q.end(site, nil, v) }

// done says how the upload of an entry that was given out ended. It was put back before, if it is to be tried again.
func (q *queue) done(e *entry, v verdict) { q.end(e.site, e, v) }

func (q *queue) end(site string, e *entry, v verdict) {
	q.mu.Lock()
	q.taken--
	q.lane(site).heed(e, v, time.Now())
	close(q.idle)
	q.idle = make(chan struct{})
	q.mu.Unlock()
	q.signal()
}

// pausedBy tells who has stopped entries from being given out.
func (q *queue) pausedBy() pausers {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.paused
}

// dueOf tells when an entry that waits is due.
func (q *queue) dueOf(e *entry) (due time.Time, queued bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return e.due, e.queued
}

// waitIdle waits until no entry is taken or may be.
func (q *queue) waitIdle(ctx context.Context) error {
	for {
		q.mu.Lock()
		busy, changed := q.taken > 0 || q.ready(), q.idle
		q.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (q *queue) ready() bool {
	now := time.Now()
	return q.paused == 0 && slices.ContainsFunc(q.turns, func(l *lane) bool { return l.wait(now) <= 0 })
}

// hurry makes an entry that waits due at once.
func (q *queue) hurry(e *entry) {
	q.mu.Lock()
	l := q.lane(e.site)
	if i := slices.Index(l.waiting, e); i >= 0 {
		e.due = time.Time{}
		heap.Fix(&l.waiting, i)
	}
	q.mu.Unlock()
	q.signal()
}
