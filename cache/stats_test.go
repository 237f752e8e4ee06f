package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

// flying is the part of the Stats about pulls.
type flying struct{ flights, readers, waiting, pulls int }

func (r *rig) wantsFlying(when string, want flying) {
	r.Helper()
	synctest.Wait()
	s := r.cache.Stats()
	if got := (flying{s.Flights, s.Readers, s.Waiting, s.Pulls}); got != want {
		r.Errorf("%s: %+v, want %+v", when, got, want)
	}
}

func TestStatsOfPulls(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w := newWire()
		r.wantsFlying("before", flying{})
		one, two := r.client("k", r.pulls(w, 4, nil)), r.client("k", r.pulls(w, 4, nil))
		r.wantsFlying("before the first byte", flying{flights: 1, waiting: 2, pulls: 1})
		w.send("ab")
		r.wantsFlying("in the body", flying{flights: 1, readers: 2, pulls: 1})
		w.send("cd")
		w.finish(io.EOF)
		synctest.Wait()
		one.wants(t, "abcd")
		two.wants(t, "abcd")
		r.wantsFlying("after it", flying{})
		solo := r.hold("mine")
		r.wantsFlying("of one request alone", flying{flights: 1, pulls: 1})
		_ = readAll(t, solo)
		r.wantsFlying("after that", flying{})
	})
}

func TestStatsOfWhatIsNotKept(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(key string, load cache.Loader) {
			t.Helper()
			if _, err := r.fill(key, load); err != nil {
				t.Error(err)
			}
		}
		f("kept", r.answers("data"))
		f("a", r.answers("data", func(p *cache.Pull) { p.Reason = "no-store" }))
		f("b", r.answers("data", func(p *cache.Pull) { p.Reason = "no-store" }))
		f("c", r.answers("data", func(p *cache.Pull) {
			p.Meta.Size, p.Final = -1, func(int64) string { return "max_object" }
		}))
		r.spool.createErr = errors.New("full")
		f("d", r.answers("data"))
		r.spool.createErr = nil
		part := r.answers("at", func(p *cache.Pull) { p.Meta.Size, p.Start, p.Length, p.Reason = 4, 1, 2, "no-store" })
		if _, err := r.fillPart("e", cache.Range{First: 1, Last: 2}, part); err != nil {
			t.Error(err)
		}
		want := map[cache.NotKept]int64{
			{Site: "assets", Reason: "no-store"}: 2, {Site: "assets", Reason: "max_object"}: 1, {Site: "assets", Reason: "spool"}: 1,
		}
		if got := r.cache.Stats().NotKept; !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestStatsOfNegatives(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		_, _ = r.fill("k", r.refuses(&cache.NegativeError{Status: 404, Err: errors.New("gone")}))
		if n := r.cache.Stats().Negatives; n != 1 {
			t.Errorf("%d are remembered", n)
		}
	})
}

func TestStatsOfMemory(t *testing.T) {
	const size, most = 1 << 10, 64 << 10
	r := newTier(t, cache.Memory{MaxBytes: most, MaxObject: size, TTL: time.Hour})
	read := func(key string) {
		t.Helper()
		if _, err := r.read(key, cache.ReadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	r.bucket.put("k", text(size), nil)
	read("k")
	read("k")
	is := func(when string, want cache.MemoryStats) {
		t.Helper()
		m := r.cache.Stats().Memory
		m.Bytes = 0 // is counted a little later
		if want.Max = most; m != want {
			t.Errorf("%s: %+v, want %+v", when, m, want)
		}
	}
	is("one object", cache.MemoryStats{Entries: 1, Held: size})
	r.cache.Doubt()
	read("k")
	is("in doubt", cache.MemoryStats{Entries: 1, Held: size, Checks: 1})
	r.cache.Written(cache.ID{Site: "assets", Key: "k"})
	is("written anew", cache.MemoryStats{Checks: 1})
	const objects = 500
	for i := range objects {
		key := fmt.Sprint(i)
		r.bucket.put(key, text(size), nil)
		read(key)
	}
	harness.Eventually(t, 10*time.Second, func() error {
		if m := r.cache.Stats().Memory; m.Bytes == 0 || m.Bytes > most || int64(m.Entries)+m.Evicted != objects {
			return fmt.Errorf("of %d objects: %+v", objects, m)
		}
		return nil
	})
}

func TestObserve(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		reader := sdkmetric.NewManualReader()
		if err := r.cache.Observe(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("")); err != nil {
			t.Fatal(err)
		}
		solo := r.hold("mine")
		defer solo.Body.Close()
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
					site, _ := p.Attributes.Value("mirrorgate.site")
					reason, _ := p.Attributes.Value("mirrorgate.reason")
					got[m.Name+" "+site.AsString()+" "+reason.AsString()] = p.Value
				}
			}
		}
		for name, want := range map[string]int64{
			"mirrorgate.cache.flights": 1, "mirrorgate.cache.pulls": 1, "mirrorgate.cache.pulls.limit": 100,
			"mirrorgate.cache.not_kept assets private": 1,
		} {
			if got[name] != want {
				t.Errorf("%s is %d, want %d (%v)", name, got[name], want, got)
			}
		}
	})
}
