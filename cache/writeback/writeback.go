package writeback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"mirrorgate/cache"
)

// The pause before an upload is tried again: it doubles from the first to the last, each time less up to a half at
// random, so that gateways which lost the same bucket do not come back together.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
)

// Writeback uploads what waits in a spool.
type Writeback struct {
	cfg    Config
	spool  *Spool
	bucket func(site string) (cache.Bucket, bool)
	log    *slog.Logger
}

// New returns a Writeback over spool. bucket finds a site's bucket; it may be called from several goroutines.
func New(c Config, spool *Spool, bucket func(site string) (cache.Bucket, bool), log *slog.Logger) *Writeback {
	return &Writeback{cfg: c, spool: spool, bucket: bucket, log: log}
}

// Run uploads until ctx ends, and returns when all its workers have stopped. What is not saved by then stays in the
// spool for the next start.
func (w *Writeback) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range w.cfg.Uploads {
		workers.Go(func() {
			for {
				e, ok := w.spool.queue.next(ctx)
				if !ok {
					return
				}
				w.save(ctx, e)
				w.spool.queue.done()
			}
		})
	}
	workers.Wait()
	return nil
}

// WaitIdle waits until nothing is being uploaded or due to be. Entries whose upload failed and is tried later do not
// count.
func (w *Writeback) WaitIdle(ctx context.Context) error { return w.spool.queue.waitIdle(ctx) }

// save uploads one entry, and removes it or queues it again.
func (w *Writeback) save(ctx context.Context, e *entry) {
	if !w.spool.holds(e) {
		return // another has taken its place
	}
	err := w.upload(ctx, e)
	log := w.log.With("site", e.id.Site, "key", e.id.Key)
	switch {
	case err == nil:
		log.Debug("saved", "bytes", e.size)
	case errors.Is(err, cache.ErrPrecondition):
		log.Info("not saved: the bucket holds an object by somebody else, which stays")
	case e.replaces && (errors.Is(err, cache.ErrNotFound) || isLasting(err)):
		log.Info("not replaced: the copy was deleted, or cannot be replaced in this bucket", "err", err)
	case ctx.Err() != nil:
		w.spool.queue.push(e)
		return
	case errors.Is(err, cache.ErrNotReady):
		e.due = time.Now().Add(backoff(1)) // nothing was tried
		w.spool.queue.push(e)
		return
	default:
		e.attempts++
		pause := backoff(e.attempts)
		e.due = time.Now().Add(pause)
		w.spool.queue.push(e)
		log.Warn("not saved yet", "err", err, "attempt", e.attempts, "again_in", pause.Round(time.Millisecond))
		return
	}
	if err := w.spool.remove(e); err != nil {
		log.Error("a saved object's spool files could not be removed", "err", err)
	}
}

// upload writes one entry into its bucket.
func (w *Writeback) upload(ctx context.Context, e *entry) error {
	bucket, ok := w.bucket(e.id.Site)
	if !ok {
		return fmt.Errorf("no site %q is configured any more: the entry waits for its return", e.id.Site)
	}
	rec, err := readRecord(w.spool.path(e, recordSuffix))
	if err != nil {
		return err
	}
	body, err := os.Open(w.spool.path(e, bodySuffix))
	if err != nil {
		return err
	}
	defer body.Close()
	saved := rec.entry()
	return bucket.Put(ctx, e.id.Key, body, saved.Meta, saved.Put)
}

func isLasting(err error) bool {
	var failed *cache.BucketError
	return errors.As(err, &failed) && failed.Lasting
}

func backoff(attempt int) time.Duration {
	pause := lastPause
	if attempt < 10 {
		pause = min(lastPause, firstPause<<(attempt-1))
	}
	return pause/2 + rand.N(pause/2)
}
