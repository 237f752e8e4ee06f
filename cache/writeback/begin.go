package writeback

import (
	"context"
	"errors"

	"mirrorgate/cache"
)

// begin saves a large draft while it arrives, if its bucket takes objects in parts and there is a place. Whether it
// becomes an object, only its commit decides.
func (w *Writeback) begin(d *draft, e cache.Entry) *early {
	bucket, _ := w.bucket(e.ID.Site)
	parted, ok := bucket.(cache.Parted)
	if !ok || e.Meta.Size < earlyParts*w.cfg.PartSize || !parted.InParts(e.Meta.Size, e.Put) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.life == nil || w.earlies >= w.cfg.Uploads || !w.spool.queue.enter(e.ID.Site) {
		return nil
	}
	file, err := d.reopen()
	if err != nil {
		w.spool.queue.leave(e.ID.Site, verdictNone)
		return nil
	}
	w.earlies++
	b := newEarly(file)
	w.spool.keepUpload(d.serial)
	ctx, cancel := context.WithCancel(w.life)
	b.cancel = cancel
	w.running.Go(func() { w.saveEarly(ctx, bucket, d.serial, e, b) })
	return b
}

// saveEarly saves one such draft, and deals with the entry that it becomes.
func (w *Writeback) saveEarly(ctx context.Context, bucket cache.Bucket, serial uint64, e cache.Entry, b *early) {
	defer b.file.Close()
	defer b.cancel()
	stop := context.AfterFunc(ctx, func() { b.failed(context.Cause(ctx)) })
	defer stop()
	put := e.Put
	check := w.spool.checkpoint(e.ID, name{hash: hashOf(e.ID), serial: serial})
	put.Checkpoint = check
	err := w.put(ctx, bucket, e.ID, b, e.Meta, put)
	check.Close()
	verdict := verdictNone
	if became := b.end(); became != nil {
		w.spool.uploading(became, nil)
		verdict = w.settle(ctx, became, e.ID, err)
		if err == nil {
			w.tellSaved(became, e.Meta.Origin.Rule)
		}
	} else if !errors.Is(err, errDiscarded) {
		w.log.Debug("saving an object while it arrives has ended", "site", e.ID.Site, "key", e.ID.Key, "err", err)
	}
	w.mu.Lock()
	w.earlies--
	w.mu.Unlock()
	w.spool.queue.leave(e.ID.Site, verdict)
	w.sweepSoon()
}
