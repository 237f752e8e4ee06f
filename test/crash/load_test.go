package crash_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	askers = 3                     // clients of small objects
	pauses = 80 * time.Millisecond // at most, between two requests of one of them
	newers = 12                    // of so many objects, an application writes one
	delays = 60 * time.Millisecond // at most, between the request and that
)

// load is what clients do from the start of the gateway to its end.
type load struct {
	run     *run
	ctx     context.Context
	running sync.WaitGroup
}

// startLoad starts clients, which ask until ctx ends.
func (r *run) startLoad(ctx context.Context, round int) *load {
	l := &load{run: r, ctx: ctx}
	for n := range askers {
		l.client(uint64(round*100+n), small, pauses)
	}
	l.client(uint64(round*100+askers), parted, 10*pauses)
	l.client(uint64(round*100+askers+1), arriving, 15*pauses)
	return l
}

// client waits a while before each request, the first one too.
func (l *load) client(n uint64, c class, pause time.Duration) {
	random := random(l.run.seed, ofClient, n)
	l.running.Go(func() {
		for l.ctx.Err() == nil {
			wait(l.ctx, time.Duration(random.Int64N(int64(pause))))
			l.ask(l.next(c, random))
		}
	})
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// next is mostly a new object, at times one that was asked for before.
func (l *load) next(c class, random *rand.Rand) *object {
	if random.IntN(10) == 0 {
		if o := l.run.book.any(random); o != nil {
			return o
		}
	}
	o, err := l.run.book.add(c)
	if err != nil {
		l.run.tally.problem(err)
	}
	if random.IntN(newers) == 0 {
		delay := time.Duration(random.Int64N(int64(delays)))
		l.running.Go(func() { l.overwrite(o, delay) })
	}
	return o
}

// overwrite is what an application does. It does not end with the gateway.
func (l *load) overwrite(o *object, delay time.Duration) {
	wait(l.ctx, delay)
	o.setNewer(newerMaybe)
	if err := l.run.store.overwrite(o.key, o.other()); err != nil {
		l.run.tally.problem(fmt.Errorf("overwriting %s: %w", o.key, err))
		return
	}
	o.setNewer(newerThere)
	l.run.book.changed(o)
	l.run.tally.count("objects that an application wrote", 1)
}

// ask asks for an object. What breaks off is no problem: the gateway is being killed.
func (l *load) ask(o *object) {
	_, before := o.state()
	response, err := l.run.get(l.ctx, o)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		l.run.tally.count(fmt.Sprintf("answers with status %d", response.StatusCode), 1)
		return
	}
	body := &lastByte{Reader: response.Body, left: response.ContentLength, gone: func() { l.run.gotWhole(o.class) }}
	own, err := o.judge(body, response.ContentLength, before)
	switch {
	case body.err != nil:
		l.run.tally.count("answers that broke off", 1)
	case err != nil:
		l.run.tally.problem(fmt.Errorf("a client got what is not right: %w", err))
	case own:
		o.gotWhole()
		l.run.book.changed(o)
		l.run.tally.count("answers in full", 1)
	}
}

// gotWhole is called with a client's last byte.
func (r *run) gotWhole(c class) {
	if tell := r.whole.Load(); tell != nil {
		(*tell)(c)
	}
}

// lastByte tells when all of a body has come, before its reader is told of the end. err is why it broke off.
type lastByte struct {
	io.Reader
	left int64
	gone func()
	err  error
}

func (b *lastByte) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); n > 0 && b.left == 0 {
		b.gone()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}
