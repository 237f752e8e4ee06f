package cache

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
)

// draft returns room in the spool for a pull that may be shared, and nil for one that may not.
func (f *flight) draft(p *Pull) Draft {
	if p.Reason != "" {
		return nil
	}
	draft, err := f.cache.spool.Create(p.length())
	if err != nil {
		p.Reason = "spool"
		f.cache.log.Warn("an answer is not kept: the spool has no room",
			"site", f.id.Site, "key", f.id.Key, "size", p.Meta.Size, "err", err)
		return nil
	}
	return draft
}

// stream copies the pull into the draft, publishes it with its first byte, and ends it.
func (f *flight) stream(ctx context.Context, p *Pull, draft Draft) {
	meta, dropped := p.Meta.Trimmed()
	if dropped > 0 {
		f.cache.log.Warn("user metadata over 2 KiB was left out", "site", f.id.Site, "key", f.id.Key, "entries", dropped)
	}
	f.meta, f.info = meta, p.info()
	f.info.Kept = f.keeps() || p.Kept
	f.body = newBody(draft, p.length())
	if f.keeps() && f.body.size >= 0 && !f.opts.Check { // a check may find that nothing has changed
		draft.Announce(f.entry(p, f.body.size, ""))
	}
	f.body.full, f.body.admit, f.body.stall = f.outgrown, f.admit, f.opts.Stall
	f.body.counted = &f.cache.tally.readers
	defer context.AfterFunc(ctx, func() { f.body.halt(context.Cause(ctx)) })()
	err := f.copy(p)
	draft.Discard() // does nothing once committed
	f.logEnd(ctx, p, err)
	f.settle(err == nil && f.dropped != "spool")
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

// keeps tells whether the body is to be saved, as far as its header tells.
func (f *flight) keeps() bool { return f.site.Save && f.opts.Part == nil && !f.relays }

// logEnd reports how a pull ended. That its readers left a body which is not kept is no fault.
func (f *flight) logEnd(ctx context.Context, p *Pull, err error) {
	level := slog.LevelWarn
	switch {
	case err == nil:
		return
	case errors.Is(err, errNobody):
		level = slog.LevelDebug
	}
	f.cache.log.Log(ctx, level, "a pull broke off", "site", f.id.Site, "key", f.id.Key,
		"rule", f.meta.Origin.Rule, "target", p.Target, "err", err)
}

// pieces are what bodies are copied through.
var pieces = sync.Pool{New: func() any { return new([128 << 10]byte) }}

// copy moves the body into the draft until its proven end, and commits.
func (f *flight) copy(p *Pull) error {
	defer p.Body.Close()
	v := newVerifier(p.Digests)
	piece := pieces.Get().(*[128 << 10]byte)
	defer pieces.Put(piece)
	buf := piece[:]
	for {
		n, err := p.Body.Read(buf)
		if n > 0 {
			if got := f.body.written + int64(n); f.body.size >= 0 && got > f.body.size {
				return &LengthError{Got: got, Want: f.body.size} // its readers must not reach the length that it said
			}
			if _, err := f.body.Write(buf[:n]); err != nil {
				return err
			}
			f.publishStarted()
			_, _ = v.Write(buf[:n]) // hashes never fail
			if f.deserted() {
				return errNobody
			}
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
	if err := f.body.store(); errors.Is(err, ErrNoRoom) { // that costs the copy, never the answer
		f.outgrown(err)
		return nil
	} else if err != nil {
		return err
	}
	if f.opts.Part != nil || f.body.window > 0 || f.relays {
		return nil
	}
	f.cache.forget(f.id)
	if p.SameMD5 == md5 {
		f.notKept("unchanged")
		return nil
	}
	if p.Final != nil && f.meta.Size < 0 {
		if reason := p.Final(f.body.written); reason != "" {
			f.notKept(reason)
			return nil
		}
	}
	if !f.site.Save {
		return nil
	}
	f.commitLease()
	err = f.body.draft.Commit(f.entry(p, f.body.written, md5))
	f.kept = err == nil
	if errors.Is(err, ErrNoRoom) { // for its record: that costs the copy, never the answer
		f.cache.log.Warn("the spool has no room", "site", f.id.Site, "key", f.id.Key, "err", err)
		f.notKept("spool")
		return nil
	}
	if err != nil {
		return &SpoolError{"commit to", err}
	}
	return nil
}

// entry is what the body is kept as; md5 is "" while it is not known.
func (f *flight) entry(p *Pull, size int64, md5 string) Entry {
	meta := f.meta
	meta.Size = size
	meta.Origin.Size, meta.Origin.MD5 = size, md5
	return Entry{ID: f.id, Meta: meta, Put: p.Put}
}

// deserted tells whether a body that is not kept has lost its last reader. Then nobody joins it any more.
func (f *flight) deserted() bool { return !f.keeps() && f.published() && f.cache.abandon(f) }

// outgrown stops storing a body for which the spool has no more room: nobody joins it any more.
func (f *flight) outgrown(cause error) {
	f.cache.leave(f)
	f.cache.log.Warn("the spool has no more room", "site", f.id.Site, "key", f.id.Key, "err", cause)
	f.notKept("spool")
}

// admit lets all who have joined open the body, which has its first byte: they begin at byte 0.
func (f *flight) admit() {
	f.publishStarted()
	f.joined.Wait()
}

// notKept says why a body whose length was not known is not kept after all. Readers who have its head already were
// promised that it would be, if its end is proven; that it may be kept was only then known.
func (f *flight) notKept(reason string) {
	f.cache.log.Info("an answer is not kept", "site", f.id.Site, "key", f.id.Key, "reason", reason)
	f.dropped = reason
	f.countNotKept(reason)
	if !f.published() {
		f.info.Kept, f.info.Reason = false, reason
	}
}
