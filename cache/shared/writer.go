package shared

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

const (
	queued    = 4096            // writes that may wait
	batch     = 128             // writes in one pipeline
	lastWords = 4 * patience    // what is still to be written when the gateway stops may take this long
	renewing  = 2 * time.Second // between two renewals of the leases held
)

// write adds to a pipeline what is to be written.
type write func(ctx context.Context, pipe redis.Pipeliner)

// entry is a write, and what the others are to hear of then.
type entry struct {
	write write
	saved cache.ID // the zero ID: nothing
}

// writer writes, in order and by one goroutine, what nobody waits for. When more waits than it takes, or Redis is away,
// a write is lost, and counted; all of them only make the others know sooner what they find out by themselves:
//
//   - a lease that is not released ends by itself, as it is not renewed any more
//   - what is not said to be missing at the origins is asked for by each gateway
//   - a lease of a saved object stands until somebody asks its holder in vain, and memory tiers keep the former object
//     until memory.ttl
type writer struct {
	link  *link
	queue chan entry
	lost  atomic.Int64
	news  teller
}

func newWriter(l *link, news teller) *writer {
	return &writer{link: l, queue: make(chan entry, queued), news: news}
}

// add does not block.
func (w *writer) add(one write) { w.put(entry{write: one}) }

// addSaved does so for a write that says that an object is saved.
func (w *writer) addSaved(id cache.ID, one write) { w.put(entry{one, id}) }

func (w *writer) put(one entry) {
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
			w.last(ctx, end)
			return
		case <-tick.C:
			renew(ctx)
		case first := <-w.queue:
			w.flush(ctx, &first)
		case <-w.news.due():
			w.tell(ctx)
		}
	}
}

// last writes what is left at the end. What is said now spares the others waiting for leases of a gateway that is gone.
func (w *writer) last(ctx context.Context, end func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	end(ctx)
	for w.flush(ctx, nil) {
	}
	w.tell(ctx)
}

// flush writes one batch, and tells whether there was something to write. The news go behind it: who hears them finds
// the notes as they are then, except that nodes of a Cluster do not wait for each other.
func (w *writer) flush(ctx context.Context, first *entry) bool {
	writes := w.take(first)
	if len(writes) == 0 {
		return false
	}
	err := w.link.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, one := range writes {
			one.write(ctx, pipe)
		}
		w.addNews(ctx, pipe, writes)
	})
	if err != nil {
		w.lost.Add(int64(len(writes)))
	}
	return ctx.Err() == nil
}

func (w *writer) addNews(ctx context.Context, pipe redis.Pipeliner, writes []entry) {
	for _, one := range writes {
		if one.saved != (cache.ID{}) {
			w.news.take(ctx, pipe, one.saved)
		}
	}
	if w.news.isDue() {
		w.news.publish(ctx, pipe)
	}
}

// tell tells what has been collected.
func (w *writer) tell(ctx context.Context) {
	objects := w.news.objects
	if objects == 0 {
		return
	}
	err := w.link.pipelined(ctx, func(pipe redis.Pipeliner) { w.news.publish(ctx, pipe) })
	if err != nil {
		w.lost.Add(int64(objects))
		w.news.reset()
	}
}

// take returns what waits, as far as one batch goes.
func (w *writer) take(first *entry) []entry {
	var writes []entry
	if first != nil {
		writes = append(writes, *first)
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
