package writeback

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// queue gives out entries when they are due, in the order of their due times, then of their arrival.
type queue struct {
	mu    sync.Mutex
	heap  dueHeap
	seq   uint64
	taken int           // given out and neither put back nor done
	wake  chan struct{} // something changed that a waiting worker should see
	idle  chan struct{} // closed and replaced when nothing is due or taken
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), idle: make(chan struct{})}
}

// push adds an entry, or one that was taken is put back.
func (q *queue) push(e *entry) {
	q.mu.Lock()
	q.seq++
	e.seq = q.seq
	heap.Push(&q.heap, e)
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
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

// take returns the first entry if it is due, else how long to wait for it.
func (q *queue) take() (*entry, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return nil, time.Hour // wake ends the wait
	}
	if wait := time.Until(q.heap[0].due); wait > 0 {
		return nil, wait
	}
	q.taken++
	if len(q.heap) > 1 {
		defer q.signal() // one wake-up may stand for several entries
	}
	return heap.Pop(&q.heap).(*entry), 0
}

// done says that a taken entry is saved, or was put back before.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken--
	close(q.idle)
	q.idle = make(chan struct{})
}

// waitIdle waits until no entry is taken or due.
func (q *queue) waitIdle(ctx context.Context) error {
	for {
		q.mu.Lock()
		busy := q.taken > 0 || len(q.heap) > 0 && time.Until(q.heap[0].due) <= 0
		changed := q.idle
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

type dueHeap []*entry

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
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
