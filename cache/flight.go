package cache

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// flight is one pull of one key. It belongs to nobody's request: it runs on its own goroutine and context, and goes on
// when clients leave.
type flight struct {
	cache *Cache
	site  *Site
	id    ID
	opts  FillOptions
	load  Loader

	// ready is closed when the fields below are set and will not change any more.
	ready   chan struct{}
	outcome outcome
	err     error    // outcomeFailed
	meta    Meta     // outcomeShared
	info    PullInfo // outcomeShared
	body    *body    // outcomeShared

	joined sync.WaitGroup // those who wait for ready and have not opened the body yet

	// solo hands an answer that may not be shared to the request that caused the pull.
	solo chan *Pull
}

type outcome uint8

const (
	outcomeFailed  outcome = iota // nothing came
	outcomePresent                // somebody stored the object meanwhile: look again
	outcomeAlone                  // the answer is for the first request only
	outcomeShared                 // readers follow body
)

// run is the flight's goroutine.
func (f *flight) run() {
	defer f.cache.active.Done()
	ctx, cancel := context.WithCancel(f.cache.life)
	defer cancel()
	if f.present(ctx) {
		return
	}
	release, err := f.cache.slot(ctx, f.opts.Wait)
	if err != nil {
		f.fail(err)
		return
	}
	pull, err := f.load(ctx)
	if err != nil {
		release()
		f.fail(err)
		return
	}
	draft := f.draft(pull)
	if draft == nil {
		f.handOver(pull, func() { release(); cancel() })
		<-ctx.Done() // until its reader has closed it, it is a pull that Drain waits for
		return
	}
	defer release()
	f.stream(pull, draft)
}

// present looks again, now that no other pull of this key can begin: an object may have been stored between the
// caller's look into the bucket and the start of the flight.
func (f *flight) present(ctx context.Context) bool {
	o := ReadOptions{HeadersOnly: true}
	_, err := f.cache.spool.Open(f.id, o)
	if errors.Is(err, ErrNotFound) && f.cache.spool.Saved(f.id) {
		_, err = f.site.Bucket.Open(ctx, f.id.Key, o)
	}
	switch {
	case err == nil:
		f.cache.leave(f)
		f.publish(outcomePresent)
		return true
	case errors.Is(err, ErrNotFound):
		return false
	default:
		f.fail(err)
		return true
	}
}

// draft returns room in the spool for a pull that may be shared, and nil for one that may not.
func (f *flight) draft(p *Pull) Draft {
	if p.Reason != "" {
		return nil
	}
	draft, err := f.cache.spool.Create(p.Meta.Size)
	if err != nil {
		p.Reason = "spool"
		f.cache.log.Warn("an answer is not kept: the spool has no room",
			"site", f.id.Site, "key", f.id.Key, "size", p.Meta.Size, "err", err)
		return nil
	}
	return draft
}

// handOver gives an answer that may not be shared to the request that waits for it, if there is one.
func (f *flight) handOver(p *Pull, done func()) {
	p.Body = &soloBody{ReadCloser: p.Body, done: done}
	f.cache.leave(f)
	if f.solo == nil {
		_ = p.Body.Close()
	} else {
		f.solo <- p
	}
	f.publish(outcomeAlone)
}

// stream copies the pull into the draft, publishes it with its first byte, and ends it.
func (f *flight) stream(p *Pull, draft Draft) {
	meta, dropped := p.Meta.Trimmed()
	if dropped > 0 {
		f.cache.log.Warn("user metadata over 2 KiB was left out", "site", f.id.Site, "key", f.id.Key, "entries", dropped)
	}
	f.meta, f.info = meta, PullInfo{Target: p.Target, Kept: f.site.Save, SetCookie: p.SetCookie}
	f.body = newBody(draft, meta.Size)
	err := f.copy(p)
	draft.Discard() // does nothing once committed
	if err != nil {
		f.cache.log.Warn("a pull broke off", "site", f.id.Site, "key", f.id.Key, "rule", meta.Origin.Rule,
			slog.String("target", p.Target), "err", err)
	}
	f.cache.leave(f)
	f.body.finish(err)
	switch {
	case f.published():
	case err != nil:
		f.fail(err)
	default: // one byte or none: shown with the proof of its end
		f.publish(outcomeShared)
	}
	f.joined.Wait()
	f.body.release()
}

// copy moves the body into the draft until its proven end, and commits.
func (f *flight) copy(p *Pull) error {
	defer p.Body.Close()
	v := newVerifier(p.Digests)
	buf := make([]byte, 128<<10)
	for {
		n, err := p.Body.Read(buf)
		if n > 0 {
			if got := f.body.written + int64(n); f.body.size >= 0 && got > f.body.size {
				return &LengthError{Got: got, Want: f.body.size} // its readers must not reach the length that it said
			}
			if _, err := f.body.Write(buf[:n]); err != nil {
				return err
			}
			_, _ = v.Write(buf[:n]) // hashes never fail
			f.publishStarted()
		}
		if err == io.EOF { // and no error that wraps it: only this is the proven end
			return f.commit(p, v)
		}
		if err != nil {
			return err
		}
	}
}

// commit ends a body at its proven end, and keeps it if it may be kept.
func (f *flight) commit(p *Pull, v *verifier) error {
	if f.body.size >= 0 && f.body.written != f.body.size {
		return &LengthError{Got: f.body.written, Want: f.body.size}
	}
	md5, err := v.verify()
	if err != nil {
		return err
	}
	f.cache.negative.forget(f.id)
	if p.Final != nil && f.meta.Size < 0 {
		if reason := p.Final(f.body.written); reason != "" {
			f.notKept(reason)
			return nil
		}
	}
	if !f.site.Save {
		return nil
	}
	meta := f.meta
	meta.Size = f.body.written
	meta.Origin.Size, meta.Origin.MD5 = meta.Size, md5
	return f.body.draft.Commit(Entry{ID: f.id, Meta: meta, Put: p.Put})
}

// notKept says why a body whose length was not known is not kept after all. Readers who have its head already were
// promised that it would be, if its end is proven; that it may be kept was only then known.
func (f *flight) notKept(reason string) {
	f.cache.log.Info("an answer is not kept", "site", f.id.Site, "key", f.id.Key, "reason", reason)
	if !f.published() {
		f.info.Kept, f.info.Reason = false, reason
	}
}

func (f *flight) published() bool {
	select {
	case <-f.ready:
		return true
	default:
		return false
	}
}

func (f *flight) publishStarted() {
	if !f.published() && f.body.started() {
		f.publish(outcomeShared)
	}
}

func (f *flight) publish(o outcome) {
	f.outcome = o
	close(f.ready)
}

// fail ends a flight of which no reader has seen anything. All who wait get the same error; the next request may try
// again.
func (f *flight) fail(err error) {
	var negative *NegativeError
	if errors.As(err, &negative) && !f.opts.Solo {
		f.cache.negative.remember(f.id, f.opts.Scope, negative, f.opts.NegativeTTL)
	}
	f.err = err
	f.cache.leave(f)
	f.publish(outcomeFailed)
}

// slot waits for one of limits.max_pulls.
func (c *Cache) slot(ctx context.Context, wait time.Duration) (release func(), err error) {
	release = func() { <-c.slots }
	select {
	case c.slots <- struct{}{}:
		return release, nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return release, nil
	case <-timer.C:
		return nil, &BusyError{Setting: "limits.max_pulls"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// soloBody gives back what a pull for one request holds.
type soloBody struct {
	io.ReadCloser
	done func()
}

func (b *soloBody) Close() error {
	err := b.ReadCloser.Close()
	if b.done != nil {
		b.done()
		b.done = nil
	}
	return err
}
