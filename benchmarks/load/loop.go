package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"mirrorgate/benchmarks/load/accesslog"
	"mirrorgate/benchmarks/openloop"
)

const (
	// mostWaiting bounds the requests that are due and wait for a connection.
	mostWaiting = 1 << 16
	// grace is how long answers under way have after an interrupt.
	grace = 3 * time.Second
)

// loop sends each request when it is due, whether or not those before have been answered.
type loop struct {
	requests    source
	schedule    schedule
	duration    time.Duration // what is due later is not asked for; 0: no end
	connections int
	timeout     time.Duration // the longest wait for a connection
	send        func(context.Context, accesslog.Request) result
	took        func(result) // of each request that was due, sent or not; called by several goroutines at a time
}

// dueRequest is a request and when it is due.
type dueRequest struct {
	at      time.Time
	request accesslog.Request
}

// run returns when all that was due has been answered, has failed or has been given up. When the context ends nothing
// more becomes due; what is under way then has a few seconds. That is no error.
func (l *loop) run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // answers outlive the interrupt, by grace
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-work.Done():
		}
	})()
	queue := make(chan dueRequest, mostWaiting)
	var clients sync.WaitGroup
	for range l.connections {
		clients.Go(func() { l.client(work, queue) })
	}
	err := l.pace(ctx, queue)
	close(queue)
	clients.Wait()
	if errors.Is(err, io.EOF) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// pace puts requests into the queue when they are due, until there are no more.
func (l *loop) pace(ctx context.Context, queue chan<- dueRequest) (err error) {
	timer, err := openloop.NewTimer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, timer.Close()) }()
	begin := time.Now()
	for n := int64(0); ; n++ {
		request, err := l.requests.Next()
		if err != nil {
			return err
		}
		offset, err := l.schedule.due(n, request)
		if err != nil {
			return err
		}
		if l.duration > 0 && offset >= l.duration {
			return timer.Wait(begin.Add(l.duration))
		}
		d := dueRequest{begin.Add(offset), request}
		if err := timer.Wait(d.at); err != nil {
			return err
		}
		select {
		case queue <- d:
		default:
			l.took(unsent(d))
		}
	}
}

// client sends, one after the other, requests that are due.
func (l *loop) client(ctx context.Context, queue <-chan dueRequest) {
	for d := range queue {
		waited := time.Since(d.at)
		if waited > l.timeout || ctx.Err() != nil {
			l.took(unsent(d))
			continue
		}
		r := l.send(ctx, d.request)
		r.due, r.waited, r.first, r.total = d.at, waited, r.first+waited, r.total+waited
		l.took(r)
	}
}

func unsent(d dueRequest) result {
	return result{request: d.request, due: d.at, failure: notSent, err: errNoConnection}
}
