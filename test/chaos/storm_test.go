package chaos_test

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"mirrorgate/test/harness"
)

const (
	workers = 32
	window  = 64 // objects that the workers ask for at about the same time
	perStep = 3  // objects that are new with each step of a worker
)

// storm is the run: workers that ask until the time is over.
type storm struct {
	*harness.Gateway
	admin string // the address of its admin listener
	plan  *plan
	tally *tally
}

func (s *storm) run(ctx context.Context) {
	var running sync.WaitGroup
	for n := range workers {
		w := &worker{storm: s, random: s.plan.random(ofWorker, uint64(n))}
		running.Go(func() { w.run(ctx) })
	}
	running.Wait()
}

// worker is a client, or several.
type worker struct {
	*storm
	random *rand.Rand
	kept   *client // a connection for the next request; nil: none
}

func (w *worker) run(ctx context.Context) {
	for step := 0; ctx.Err() == nil; step++ {
		o := w.next(step)
		switch n := w.random.IntN(20); {
		case n < 10:
			w.one(ctx, asking(o, w.random))
		case n < 12:
			w.slow(ctx, asking(o, w.random))
		case n < 15:
			w.leaver(ctx, asking(o, w.random))
		case n < 18:
			w.pair(ctx, asking(o, w.random), asking(w.next(step), w.random))
		default:
			w.herd(ctx, o)
		}
	}
	w.drop()
}

// next is an object that others ask for now, too, or at times an old one.
func (w *worker) next(step int) *object {
	newest := step * perStep
	n := max(0, newest-w.random.IntN(window))
	if w.random.IntN(12) == 0 {
		n = w.random.IntN(newest + 1)
	}
	w.tally.sees(n)
	return w.plan.object(n)
}

// connect returns the connection that is kept, or a new one.
func (w *worker) connect(ctx context.Context, a *ask) *client {
	if c := w.kept; c != nil {
		w.kept = nil
		return c
	}
	c, err := dial(context.WithoutCancel(ctx), w.Addr)
	if err != nil {
		w.tally.problem(a, err)
	}
	return c
}

func (w *worker) drop() {
	if w.kept != nil {
		w.kept.leave(false)
		w.kept = nil
	}
}

// keep puts the connection aside for the next request, if it can take one.
func (w *worker) keep(c *client, open bool) {
	if !open {
		c.leave(false)
		return
	}
	w.kept = c
}

func (w *worker) one(ctx context.Context, a *ask) {
	if c := w.connect(ctx, a); c != nil {
		w.keep(c, w.exchange(c, a, io.ReadAll))
	}
}

// exchange sends a request and judges its answer. It tells whether the connection can take another.
func (s *storm) exchange(c *client, a *ask, body func(io.Reader) ([]byte, error)) (open bool) {
	c.send(a)
	return s.receive(c, a, body)
}

func (s *storm) receive(c *client, a *ask, body func(io.Reader) ([]byte, error)) (open bool) {
	began := time.Now()
	got := c.receive(a, body)
	took := time.Since(began)
	end, err := a.judge(got)
	s.tally.add(a, got, end, took)
	if err != nil {
		s.tally.problem(a, err)
	}
	return got.open
}

// slow takes its time for the body, with little room for what has not been read.
func (w *worker) slow(ctx context.Context, a *ask) {
	w.drop()
	if c := w.connect(ctx, a); c != nil {
		_ = c.conn.SetReadBuffer(128 * kib) // with much less, TCP itself crawls over the loopback
		w.exchange(c, a, slowly(ctx, 1+w.random.IntN(16*kib)))
		c.leave(false)
	}
}

// leaver goes before the answer, after its header or inside its body.
func (w *worker) leaver(ctx context.Context, a *ask) {
	c := w.connect(ctx, a)
	if c == nil {
		return
	}
	defer c.leave(w.random.IntN(2) == 0)
	if w.random.IntN(2) == 0 {
		w.exchange(c, a, atMost(w.random.Int64N(100*kib)))
		return
	}
	c.send(a)
	wait(ctx, time.Duration(w.random.IntN(4))*time.Millisecond)
	w.tally.leaves(a)
}

// pair sends two requests before the first answer.
func (w *worker) pair(ctx context.Context, first, second *ask) {
	first.closes = false
	c := w.connect(ctx, first)
	if c == nil {
		return
	}
	c.send(first, second)
	open := w.receive(c, first, io.ReadAll)
	if open {
		open = w.receive(c, second, io.ReadAll)
	}
	w.keep(c, open)
}

// herd is several clients of one object at one time, of which one leaves.
func (w *worker) herd(ctx context.Context, o *object) {
	var asking sync.WaitGroup
	defer asking.Wait()
	size := 3 + w.random.IntN(4)
	leaves := w.random.Int64N(100 * kib)
	for n := range size {
		c, err := dial(context.WithoutCancel(ctx), w.Addr)
		if err != nil {
			w.tally.problem(whole(o), err)
			return
		}
		body := io.ReadAll
		if n == 0 {
			body = atMost(leaves)
		}
		asking.Go(func() {
			defer c.leave(false)
			w.exchange(c, whole(o), body)
		})
	}
}
