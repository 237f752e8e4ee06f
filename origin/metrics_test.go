package origin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// meters reads what instruments say, as "name{labels}".
type meters struct {
	reader *sdkmetric.ManualReader
	tally  *Tallies
	live   []*Origin
}

func newMeters(t *testing.T) *meters {
	t.Helper()
	m := &meters{reader: sdkmetric.NewManualReader()}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader))
	var err error
	if m.tally, err = NewTallies(provider.Meter("test"), func() []*Origin { return m.live }); err != nil {
		t.Fatal(err)
	}
	return m
}

// open makes an Origin of site "s" and rule "r" that is in force from now on.
func (m *meters) open(t *testing.T, primary, backup string, change func(*Config)) *Origin {
	t.Helper()
	c := DefaultConfig()
	c.Primary, c.Backup = Target{URL: primary}, Target{URL: backup}
	if change != nil {
		change(&c)
	}
	o := openWith(t, c, Options{Rule: "r", Tally: m.tally.Of("s", "r")})
	m.live = []*Origin{o}
	return o
}

// read returns all numbers; of histograms how many values they have taken.
func (m *meters) read(t *testing.T) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int64)
	put := func(name string, labels attribute.Set, n int64) {
		pairs := make([]string, 0, labels.Len())
		for _, l := range labels.ToSlice() {
			pairs = append(pairs, fmt.Sprintf("%s=%s", strings.TrimPrefix(string(l.Key), "mirrorgate."), l.Value.AsString()))
		}
		got[strings.TrimPrefix(name, "mirrorgate.origin.")+"{"+strings.Join(pairs, ",")+"}"] = n
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, int64(p.Count))
				}
			}
		}
	}
	return got
}

// want fails unless the numbers are those given, as "name{labels}".
func (m *meters) want(t *testing.T, want map[string]int64) {
	t.Helper()
	got := m.read(t)
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s is %d, want %d", name, got[name], n)
		}
	}
	if t.Failed() {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			t.Log(name, got[name])
		}
	}
}

func TestMetricsOfPulls(t *testing.T) {
	primary, change := startSwitched(t, fine)
	backup := startSaying(t, fine)
	m := newMeters(t)
	o := m.open(t, primary.url(), backup.url(), nil)
	stopClock(o)
	content(t, fetched(t, o, get(o, "/")))
	change(answering(404))
	content(t, fetched(t, o, get(o, "/")))
	change(answering(500))
	spoil(t, o, rolePrimary)
	content(t, fetched(t, o, get(o, "/")))
	m.want(t, map[string]int64{
		"pulls{result=ok,rule=r,site=s,target=primary}":                          1,
		"pulls{result=not_found,rule=r,site=s,target=primary}":                   1,
		"pulls{error.type=status,result=failed,rule=r,site=s,target=primary}":    5,
		"pulls{error.type=passed_over,result=busy,rule=r,site=s,target=primary}": 1,
		"pulls{result=ok,rule=r,site=s,target=backup}":                           2,
		"received{rule=r,site=s,target=primary}":                                 5,
		"received{rule=r,site=s,target=backup}":                                  10,
		"duration{rule=r,site=s,target=primary}":                                 7,
		"duration{rule=r,site=s,target=backup}":                                  2,
		"wait{rule=r,site=s}":                                                    8,
		"state{rule=r,site=s,state=open,target=primary}":                         1,
		"state{rule=r,site=s,state=up,target=primary}":                           0,
		"state{rule=r,site=s,state=up,target=backup}":                            1,
		"inflight{rule=r,site=s,target=primary}":                                 0,
	})
}

func TestMetricsOfBodies(t *testing.T) {
	server := startScript(t, begun, rest(4, 10), begun, answering(500), "", "")
	m := newMeters(t)
	o := m.open(t, server.url(), "", func(c *Config) { c.Breaker.Failures = 0 })
	o.patient = 1
	content(t, fetched(t, o, get(o, "/")))
	if _, err := io.ReadAll(fetched(t, o, get(o, "/")).Body); err == nil {
		t.Fatal("the body did not break off")
	}
	m.want(t, map[string]int64{
		"pulls{result=ok,rule=r,site=s,target=primary}":       2,
		"resumes{result=ok,rule=r,site=s,target=primary}":     1,
		"resumes{result=failed,rule=r,site=s,target=primary}": 3,
		"cut_bodies{rule=r,site=s,target=primary}":            1,
		"received{rule=r,site=s,target=primary}":              14,
	})
}

// A target is in one state at a time, also in those that somebody has put it into.
func TestMetricsOfStates(t *testing.T) {
	m := newMeters(t)
	o := m.open(t, startSaying(t, fine).url(), "", nil)
	f := func(steer func(), want string) {
		t.Helper()
		steer()
		each := make(map[string]int64)
		for _, state := range []string{"up", "open", "waiting", "draining", "paused"} {
			each["state{rule=r,site=s,state="+state+",target=primary}"] = 0
		}
		each["state{rule=r,site=s,state="+want+",target=primary}"] = 1
		m.want(t, each)
	}
	f(func() {}, "up")
	f(func() { o.Drain(rolePrimary) }, "draining")
	f(o.Pause, "paused")
	f(o.Resume, "up")
}

func TestMetricsOutliveAReload(t *testing.T) {
	server := startSaying(t, begun)
	m := newMeters(t)
	old := m.open(t, server.url(), "", nil)
	held := fetched(t, old, get(old, "/"))
	next := m.open(t, server.url(), "", nil)
	more := fetched(t, next, get(next, "/"))
	defer more.Body.Close()
	m.want(t, map[string]int64{
		"pulls{result=ok,rule=r,site=s,target=primary}": 2,
		"inflight{rule=r,site=s,target=primary}":        2,
	})
	held.Body.Close()
	m.want(t, map[string]int64{"inflight{rule=r,site=s,target=primary}": 1})
	m.live = nil
	if _, there := m.read(t)["inflight{rule=r,site=s,target=primary}"]; there {
		t.Error("a rule that is gone still has a state")
	}
}
