package writeback

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"mirrorgate/cache"
)

// The labels of metrics.
const (
	labelSite   = "mirrorgate.site"
	labelResult = "mirrorgate.result" // of the list in saves.go; of an upload ok or failed
)

// seen is what metrics are read off.
type seen struct {
	Summary
	saves []Save
	cfg   SpoolConfig
}

// Observe makes the instruments. It is called before Run.
func (w *Writeback) Observe(meter metric.Meter) (err error) {
	if w.took, err = meter.Float64Histogram("mirrorgate.save.duration", metric.WithUnit("s"),
		metric.WithDescription("Time that uploads took, of objects that were not saved while they arrived."),
		metric.WithExplicitBucketBoundaries(.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300)); err != nil {
		return err
	}
	return cache.Observe(meter, w.seen,
		cache.Level("mirrorgate.spool.size", "By", "Bytes that the spool holds for bodies, arriving and waiting.",
			func(s seen) int64 { return s.Bytes }),
		cache.Level("mirrorgate.spool.limit", "By", "spool.max_bytes.",
			func(s seen) int64 { return s.cfg.MaxBytes }),
		cache.Level("mirrorgate.spool.entries", "{object}", "Objects in the spool, arriving and waiting.",
			func(s seen) int64 { return int64(s.Objects) }),
		cache.Level("mirrorgate.spool.entries.limit", "{object}", "spool.max_entries.",
			func(s seen) int64 { return int64(s.cfg.MaxEntries) }),
		cache.Level("mirrorgate.queue.depth", "{object}", "Objects to be saved, those being uploaded too.",
			func(s seen) int64 { return int64(s.Waiting) }),
		cache.Level("mirrorgate.queue.oldest", "s", "Age of the oldest of them; 0: there are none.", age),
		cache.Level("mirrorgate.queue.dead", "{object}", "Objects that were given up until somebody retries them.",
			func(s seen) int64 { return int64(s.Dead) }),
		cache.Level("mirrorgate.queue.set_aside", "{file}", "Damaged files in the spool's folder dead.",
			func(s seen) int64 { return int64(s.Aside) }),
		cache.Level("mirrorgate.queue.paused", "", "1: saving is paused.", paused),
		cache.Measure[seen]{
			Name: "mirrorgate.saves", Unit: "{object}", Counts: true, Says: "What came of saving objects, by result.",
			Read: each(func(s Save) int64 { return s.Count }),
		},
		cache.Measure[seen]{
			Name: "mirrorgate.saves.size", Unit: "By", Counts: true, Says: "Bytes of these objects.",
			Read: each(func(s Save) int64 { return s.Bytes }),
		},
	)
}

func (w *Writeback) seen() seen {
	return seen{Summary: w.spool.Summary(), saves: w.spool.Saves(), cfg: w.spool.cfg}
}

func age(s seen) int64 {
	if s.OldestWaiting.IsZero() {
		return 0
	}
	return int64(max(0, time.Since(s.OldestWaiting)).Seconds())
}

func paused(s seen) int64 {
	if s.Paused {
		return 1
	}
	return 0
}

// each reads a number of each Save.
func each(of func(Save) int64) func(seen, func(int64, ...attribute.KeyValue)) {
	return func(s seen, put func(int64, ...attribute.KeyValue)) {
		for _, save := range s.saves {
			put(of(save), attribute.String(labelSite, save.Site), attribute.String(labelResult, save.Result))
		}
	}
}

// timed takes the time of an upload that began at begun.
func (w *Writeback) timed(site string, begun time.Time, err error) {
	if w.took == nil {
		return
	}
	result := "ok"
	if err != nil {
		result = "failed"
	}
	w.took.Record(context.Background(), time.Since(begun).Seconds(),
		metric.WithAttributes(attribute.String(labelSite, site), attribute.String(labelResult, result)))
}
