package shared

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	queued    = 4096            // writes that may wait
	batch     = 128             // writes in one pipeline
	lastWords = 4 * patience    // what is still to be written when the gateway stops may take this long
	renewing  = 2 * time.Second // between two renewals of the leases held
)

// write adds to a pipeline what is to be written.
type write func(ctx context.Context, pipe redis.Pipeliner)

// writer writes, in order and by one goroutine, what nobody waits for. When more waits than it takes, or Redis is away,
// a write is lost, and counted; all of them only make the others know sooner what they find out by themselves:
//
//   - a lease that is not released ends by itself, as it is not renewed any more
//   - what is not said to be missing at the origins is asked for by each gateway
//   - a lease of a saved object stands until somebody asks its holder in vain, and memory tiers keep the former object
//     until memory.ttl
type writer struct {
	link  *link
	queue chan write
	lost  atomic.Int64
}

func newWriter(l *link) *writer { return &writer{link: l, queue: make(chan write, queued)} }

// add does not block.
func (w *writer) add(one write) {
	select {
	case w.queue <- one:
	default:
		w.lost.Add(1)
	}
}

// run writes until ctx ends, and renews in between: in the same goroutine, so that a lease which is released is never
// renewed after its release. It does not return before what was added has been written, or lastWords are over.
func (w *writer) run(ctx context.Context, renew, end func(context.Context)) {
	renew(ctx)
	tick := time.NewTicker(renewing)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			// What is said now spares the others waiting for leases of a gateway that is gone.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			end(last)
			for w.flush(last, nil) {
			}
			return
		case <-tick.C:
			renew(ctx)
		case first := <-w.queue:
			w.flush(ctx, first)
		}
	}
}

// flush writes one batch, and tells whether there was something to write.
func (w *writer) flush(ctx context.Context, first write) bool {
	writes := w.take(first)
	if len(writes) == 0 {
		return false
	}
	err := w.link.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, one := range writes {
			one(ctx, pipe)
		}
	})
	if err != nil {
		w.lost.Add(int64(len(writes)))
	}
	return ctx.Err() == nil
}

// take returns what waits, as far as one batch goes.
func (w *writer) take(first write) []write {
	var writes []write
	if first != nil {
		writes = append(writes, first)
	}
	for len(writes) < batch {
		select {
		case one := <-w.queue:
			writes = append(writes, one)
		default:
			return writes
		}
	}
	return writes
}

// pipelined sends commands together. Notes that are not ours are counted, and the other commands hold all the same. A
// script in a pipeline must be sent whole: whether Redis knows it is only learnt with the answers.
func (l *link) pipelined(ctx context.Context, fill func(redis.Pipeliner)) error {
	return l.do(ctx, func(ctx context.Context) error { return l.exec(ctx, fill) })
}

func (l *link) exec(ctx context.Context, fill func(redis.Pipeliner)) error {
	pipe := l.rdb.Pipeline()
	fill(pipe)
	commands, err := pipe.Exec(ctx)
	for _, command := range commands {
		err := command.Err()
		switch {
		case err == nil, errors.Is(err, redis.Nil):
		case isForeign(err):
			l.foreign.Add(1)
		default:
			return err
		}
	}
	if len(commands) == 0 {
		return err
	}
	return nil
}

// pause waits, and tells whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
