package writeback

import (
	"context"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"mirrorgate/cache"
)

// fickle answers by key: "present" is there already, "refused" is refused for good, "late" fails at the first try.
func fickle() *bucket {
	late := true
	return &bucket{put: func(_ context.Context, key string) error {
		switch {
		case key == "present":
			return cache.ErrPrecondition
		case key == "refused":
			return refused
		case key == "late" && late:
			late = false
			return errBucket
		}
		return nil
	}}
}

func wantSaves(t *testing.T, s *Spool, want ...Save) {
	t.Helper()
	for i := range want {
		want[i].Site = "assets"
	}
	if got := s.Saves(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSaves(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		_, stop := start(t, s, 1, fickle())
		for _, key := range []string{"one", "three", "present", "refused", "late"} {
			commit(t, s, key, key)
		}
		wait(time.Hour)
		stop()
		wantSaves(t, s, Save{Result: ResultDead, Count: 1, Bytes: 7}, Save{Result: ResultPresent, Count: 1, Bytes: 7},
			Save{Result: ResultRetried, Count: 3, Bytes: 2*7 + 4}, Save{Result: ResultSaved, Count: 3, Bytes: 3 + 5 + 4})
		if sum := s.Summary(); sum.Saved != 3 || sum.Newer != 1 {
			t.Errorf("got %+v", sum)
		}
	})
}

func TestSavesThatEndOtherwise(t *testing.T) {
	s := buried(t, t.TempDir(), SpoolConfig{MaxBytes: 20, MaxEntries: 10}, "evicted", "dropped")
	defer closeSpool(t, s)
	commit(t, s, "four", "four")
	commit(t, s, "k", "k")
	if _, err := s.Create(2); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(find(s, "dropped").hash.String()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.bodyPath(find(s, "four")), []byte("fourfour"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, "four")
	replace(t, s, "gone", "new")
	ctx, cancel := context.WithCancel(t.Context())
	b := &bucket{put: func(_ context.Context, key string) error {
		if key == "k" {
			return nil
		}
		defer cancel()
		return cache.ErrNotFound
	}}
	_, stop := start(t, s, 1, b)
	<-ctx.Done()
	stop()
	wantSaves(t, s, Save{Result: ResultDamaged, Count: 1, Bytes: 4}, Save{Result: ResultDead, Count: 2, Bytes: 14},
		Save{Result: ResultDropped, Count: 1, Bytes: 7}, Save{Result: ResultEvicted, Count: 1, Bytes: 7},
		Save{Result: ResultObsolete, Count: 1, Bytes: 3}, Save{Result: ResultSaved, Count: 1, Bytes: 1})
}

func TestOldestWaiting(t *testing.T) {
	s := buried(t, t.TempDir(), roomy, "dead")
	defer closeSpool(t, s)
	if sum := s.Summary(); sum.Oldest.IsZero() || !sum.OldestWaiting.IsZero() {
		t.Errorf("only a dead one: %+v", sum)
	}
	commit(t, s, "first", "first")
	first := s.Summary().OldestWaiting
	commit(t, s, "second", "second")
	if sum := s.Summary(); !sum.OldestWaiting.Equal(first) || !sum.OldestWaiting.After(sum.Oldest) {
		t.Errorf("got %+v", sum)
	}
}

// collect reads all metrics: the values of those without labels, or with a result only, and how many uploads were timed.
func collect(t *testing.T, reader *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int64)
	for _, m := range all.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Gauge[int64]:
			got[m.Name] = data.DataPoints[0].Value
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				result, _ := p.Attributes.Value(labelResult)
				got[m.Name+" "+result.AsString()] = p.Value
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				result, _ := p.Attributes.Value(labelResult)
				got[m.Name+" "+result.AsString()] = int64(p.Count)
			}
		}
	}
	return got
}

func TestObserve(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Spool) {
		reader := sdkmetric.NewManualReader()
		b := fickle()
		w := New(Config{Uploads: 1}, s, func(string) (cache.Bucket, bool) { return b, true }, func(cache.ID) {}, quiet())
		if err := w.Observe(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("")); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		for _, key := range []string{"one", "refused"} {
			commit(t, s, key, key)
		}
		go func() { _ = w.Run(ctx) }()
		wait(time.Hour)
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		commit(t, s, "last", "last")
		wait(90 * time.Second)
		got := collect(t, reader)
		for name, want := range map[string]int64{
			"mirrorgate.spool.size": 11, "mirrorgate.spool.limit": s.cfg.MaxBytes, "mirrorgate.spool.entries": 2,
			"mirrorgate.spool.entries.limit": int64(s.cfg.MaxEntries), "mirrorgate.queue.depth": 1, "mirrorgate.queue.dead": 1,
			"mirrorgate.queue.oldest": 90, "mirrorgate.queue.paused": 1, "mirrorgate.saves saved": 1, "mirrorgate.saves.size saved": 3,
			"mirrorgate.saves dead": 1, "mirrorgate.save.duration ok": 1, "mirrorgate.save.duration failed": lastingTries,
		} {
			if got[name] != want {
				t.Errorf("%s is %d, want %d", name, got[name], want)
			}
		}
		stop()
		synctest.Wait()
	})
}
