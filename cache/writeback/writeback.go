package writeback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"mirrorgate/cache"
)

// The pause before an upload is tried again: it doubles from the first to the last, each time less up to a half at
// random, so that gateways which lost the same bucket do not come back together.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
)

// lastingTries is how often an upload is tried that the bucket refuses for good: what the bucket says is not always
// what is the matter.
const lastingTries = 3

// Writeback uploads what waits in a spool.
type Writeback struct {
	cfg    Config
	spool  *Spool
	bucket func(site string) (cache.Bucket, bool)
	wrote  func(cache.ID)
	saved  func(site, rule string, bytes int64) // nil: nobody is told
	log    *slog.Logger
	tracer trace.Tracer            // nil: nothing is traced
	took   metric.Float64Histogram // of uploads; nil: nobody takes their time

	orphaned chan struct{} // an upload in parts may have lost its entry
	running  sync.WaitGroup

	mu      sync.Mutex
	life    context.Context // of Run; nil before it
	earlies int             // objects that are saved while they arrive
}

// New returns a Writeback over spool. bucket finds a site's bucket. wrote is told of each object that may be another in
// its bucket now: after each try to write it, whatever came of it. Both may be called from several goroutines.
func New(c Config, spool *Spool, bucket func(site string) (cache.Bucket, bool), wrote func(cache.ID), log *slog.Logger,
) *Writeback {
	w := &Writeback{cfg: c, spool: spool, bucket: bucket, wrote: wrote, log: log, orphaned: make(chan struct{}, 1)}
	spool.announce = w.begin
	spool.PauseByConfig(c.Paused)
	return w
}

// Run uploads until ctx ends, and returns when all its workers have stopped. What is not saved by then stays in the
// spool for the next start.
func (w *Writeback) Run(ctx context.Context) error {
	w.mu.Lock()
	w.life = ctx
	w.mu.Unlock()
	w.running.Go(func() { w.sweep(ctx) })
	for range w.cfg.Uploads {
		w.running.Go(func() { w.work(ctx) })
	}
	<-ctx.Done()
	w.mu.Lock() // an early one that is being begun counts already; further ones are not
	w.life = nil
	w.mu.Unlock()
	w.running.Wait()
	return nil
}

func (w *Writeback) work(ctx context.Context) {
	for {
		e, ok := w.spool.queue.next(ctx)
		if !ok {
			return
		}
		// The commit that woke this worker also woke the reader of the answer. On one processor the last one woken goes
		// first, and the answer would wait for the disk.
		runtime.Gosched()
		w.spool.queue.done(e, w.save(ctx, e))
	}
}

// WaitIdle waits until nothing is being uploaded or due to be. Entries whose upload failed and is tried later do not
// count.
func (w *Writeback) WaitIdle(ctx context.Context) error { return w.spool.queue.waitIdle(ctx) }

// save uploads one entry, and removes it, queues it again or gives it up for the time being.
func (w *Writeback) save(ctx context.Context, e *entry) verdict {
	got, err := w.spool.take(e)
	switch {
	case err != nil: // the disk's, not the bucket's
		w.again(e, err)
		return verdictNone
	case got == nil:
		return verdictNone
	}
	defer got.body.Close()
	upload, cancel := context.WithCancel(ctx)
	defer cancel()
	w.spool.uploading(e, cancel)
	begun := time.Now()
	inParts, err := w.upload(upload, e, got)
	w.timed(e.site, begun, err)
	w.spool.uploading(e, nil)
	verdict := w.settle(ctx, e, got.record.id(), err)
	if err == nil {
		w.tellSaved(e, got.record.Meta.Meta().Origin.Rule)
	}
	if inParts {
		w.sweepSoon()
	}
	return verdict
}

// errNoSite means that the bucket of an entry is not known: it waits for the return of its site.
var errNoSite = errors.New("no such site is configured any more")

// upload writes one entry into its bucket. inParts: the bucket may hold an upload of it open.
func (w *Writeback) upload(ctx context.Context, e *entry, got *stored) (inParts bool, err error) {
	bucket, ok := w.bucket(e.site)
	if !ok {
		return false, fmt.Errorf("%w: %s", errNoSite, e.site)
	}
	put := got.record.Put
	if _, inParts = bucket.(cache.Parted); inParts {
		check := w.spool.checkpoint(got.record.id(), e.name)
		defer check.Close()
		put.Checkpoint = check
	}
	return inParts, w.put(ctx, bucket, got.record.id(), settled{got}, got.record.Meta.Meta(), put)
}

// settle does what the end of an upload asks for.
func (w *Writeback) settle(ctx context.Context, e *entry, id cache.ID, err error) verdict {
	log := w.log.With("site", e.site, "entry", e.hash)
	switch {
	case err == nil:
		w.spool.count(e, ResultSaved)
		log.Debug("saved", "bytes", e.size)
	case !w.spool.holds(e): // dropped meanwhile, or another has taken its place
		return verdictNone
	case errors.Is(err, cache.ErrDamaged):
		w.spool.setAside(e, err)
		return verdictWell
	case errors.Is(err, cache.ErrPrecondition):
		w.spool.count(e, ResultPresent)
		log.Info("not saved: the bucket holds an object by somebody else, which stays")
	case e.replaces && (errors.Is(err, cache.ErrNotFound) || isLasting(err)):
		w.spool.count(e, ResultObsolete)
		log.Info("not replaced: the copy was deleted, or cannot be replaced in this bucket", "err", err)
	case ctx.Err() != nil:
		w.spool.queue.push(e, time.Time{})
		return verdictNone
	case errors.Is(err, cache.ErrNotReady):
		w.spool.queue.push(e, e.due) // it keeps its place
		return verdictUnready
	case errors.Is(err, errNoSite):
		w.spool.failed(e, err, false)
		w.spool.count(e, ResultRetried)
		w.spool.queue.push(e, time.Now().Add(firstPause))
		return verdictIll
	case isLasting(err):
		w.lasting(e, err)
		return verdictWell
	default:
		w.again(e, err)
		return verdictIll
	}
	removed, problem := w.spool.remove(e, true)
	if problem != nil {
		log.Error("a saved object's spool files could not be removed", "err", problem)
	}
	if removed {
		w.spool.tellLeft(id, err == nil || errors.Is(err, cache.ErrPrecondition))
	}
	return verdictWell
}

// again queues an entry whose upload failed for later.
func (w *Writeback) again(e *entry, err error) {
	attempts, _ := w.spool.failed(e, err, false)
	w.spool.count(e, ResultRetried)
	pause := backoff(attempts, lastPause)
	w.log.Warn("not saved yet", "site", e.site, "entry", e.hash, "err", err,
		"attempt", attempts, "again_in", pause.Round(time.Millisecond))
	w.spool.queue.push(e, time.Now().Add(pause))
}

// lasting gives up an entry that the bucket refuses, after a few tries.
func (w *Writeback) lasting(e *entry, err error) {
	attempts, lasting := w.spool.failed(e, err, true)
	if lasting < lastingTries {
		w.spool.count(e, ResultRetried)
		w.spool.queue.push(e, time.Now().Add(backoff(lasting, lastPause)))
		return
	}
	w.log.Error("not saved: given up until somebody retries it (mirrorgate queue retry)",
		"site", e.site, "entry", e.hash, "err", err, "attempts", attempts)
	if problem := w.spool.bury(e, err); problem != nil {
		w.again(e, fmt.Errorf("%w; and it could not be given up: %w", err, problem))
	}
}

// failed notes that an upload failed, and tells how many of the entry's have, and in a row in a way that lasts.
func (s *Spool) failed(e *entry, err error, lasts bool) (attempts, lasting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.attempts++
	e.trouble = err.Error()
	if e.lasting++; !lasts {
		e.lasting = 0
	}
	return e.attempts, e.lasting
}

func isLasting(err error) bool {
	var failed *cache.BucketError
	return errors.As(err, &failed) && failed.Lasting
}

// backoff is the pause after so many failures in a row, with longest as its bound.
func backoff(failures int, longest time.Duration) time.Duration {
	pause := longest
	if failures < 10 {
		pause = min(longest, firstPause<<(max(failures, 1)-1))
	}
	return pause/2 + rand.N(pause/2)
}
