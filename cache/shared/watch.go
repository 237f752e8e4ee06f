package shared

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errUnled  = errors.New("it is silent, and its lease does not stand any more")
	errSilent = errors.New("it holds its lease, and has been silent for too long")
)

// tooLong is how many silences make an end of it whatever the lease: the pull may stand still while its gateway lives,
// on a disk that does not answer.
const tooLong = 120

// watch is an exchange with a peer, which is given up when nothing arrives and the peer has lost its lease: then it is
// dead, or stands still. A peer that holds its lease may wait for its origin longer than origins are waited for.
type watch struct {
	ctx    context.Context // of the exchange
	cancel context.CancelCauseFunc
	parent context.Context
	ended  chan struct{}

	born  time.Time
	since atomic.Int64 // when the wait under way began, in nanoseconds since born; notWaiting
}

const notWaiting = -1

func newWatch(ctx context.Context, silence time.Duration, stands func(context.Context) bool) *watch {
	w := &watch{parent: ctx, ended: make(chan struct{}), born: time.Now()}
	w.since.Store(notWaiting)
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	go w.run(silence, stands)
	return w
}

// run asks whether the lease stands, once for each silence.
func (w *watch) run(silence time.Duration, stands func(context.Context) bool) {
	defer close(w.ended)
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-timer.C:
		}
		next := silence
		switch waited := w.waited(); {
		case waited < silence:
			next -= waited
		case waited > tooLong*silence:
			w.cancel(errSilent)
			return
		case !stands(w.ctx):
			w.cancel(errUnled)
			return
		}
		timer.Reset(next)
	}
}

// begin says that from now on the peer is waited for.
func (w *watch) begin() { w.since.Store(int64(time.Since(w.born))) }

// arrived says that something has come.
func (w *watch) arrived() { w.since.Store(notWaiting) }

func (w *watch) waited() time.Duration {
	since := w.since.Load()
	if since == notWaiting {
		return 0
	}
	return time.Since(w.born) - time.Duration(since)
}

// stop ends the exchange.
func (w *watch) stop() {
	w.cancel(nil)
	<-w.ended
}

// end is stop, and says what the end of an exchange means that failed so: the asker's own, or that the peer is gone.
func (w *watch) end(cause error) error {
	if given := context.Cause(w.ctx); given != nil {
		cause = given
	}
	own := context.Cause(w.parent)
	w.stop()
	if own != nil {
		return own
	}
	return gone(cause)
}

// watched is the body of an exchange.
type watched struct {
	body  io.ReadCloser
	watch *watch
	err   error // of the last Read
	once  sync.Once
}

// Read gives io.EOF only after the body's last byte, with the proof that it is.
func (b *watched) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.watch.begin()
	n, err := b.body.Read(p)
	b.watch.arrived()
	if err != nil && err != io.EOF {
		err = b.watch.end(err)
	}
	b.err = err
	return n, err
}

// Close ends the exchange. A body that was not read to its end costs its connection.
func (b *watched) Close() (err error) {
	b.once.Do(func() {
		err = b.body.Close()
		b.watch.stop()
	})
	return err
}
