package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
	redis "mirrorgate/cache/shared"
	"mirrorgate/origin"
	"mirrorgate/test/harness"
)

// visited is an origin that counts who is there.
type visited struct {
	*httptest.Server
	now, most, ever atomic.Int64
	bytes           atomic.Int64 // sent
}

// startVisited answers with so many bytes, which takes at least some time.
func startVisited(t *testing.T, size int, takes time.Duration) *visited {
	t.Helper()
	v := new(visited)
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := v.now.Add(1)
		defer v.now.Add(-1)
		v.ever.Add(1)
		for most := v.most.Load(); n > most && !v.most.CompareAndSwap(most, n); most = v.most.Load() {
		}
		<-time.After(takes)
		for left := size; left > 0; left -= 64 << 10 {
			sent, err := w.Write(bytes.Repeat([]byte("x"), min(left, 64<<10)))
			if v.bytes.Add(int64(sent)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(v.Close)
	return v
}

// openAll opens the origin as three gateways have it that share its limits.
func openAll(t *testing.T, url, site string, limits func(*origin.Config)) []*origin.Origin {
	t.Helper()
	c := origin.DefaultConfig()
	c.Primary, c.Scope = origin.Target{URL: site}, origin.ScopeFleet
	limits(&c)
	all := make([]*origin.Origin, 3)
	for i := range all {
		fleet, err := redis.New(redis.Options{
			Config: redis.Config{Redis: redis.Addresses{url}}, Member: fmt.Sprint(i),
			Saved: func(cache.ID) {}, Doubt: func() {}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = fleet.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-ended })
		if all[i], err = origin.New(c, origin.Options{Budget: fleet.Budget("site", "rule")}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// pullAll lets so many clients of each gateway pull one object after the other until ctx ends. It counts the bytes that
// came.
func pullAll(ctx context.Context, gateways []*origin.Origin, clients int, url string) (came int64) {
	var all sync.WaitGroup
	var bytes atomic.Int64
	for _, o := range gateways {
		for range clients {
			all.Go(func() {
				for ctx.Err() == nil {
					r, err := o.Fetch(ctx, origin.Request{Method: "GET", Asks: []origin.Ask{{Role: "primary", URL: url}}})
					if err != nil {
						continue
					}
					n, _ := io.Copy(io.Discard, r.Body) // cut off at the end of ctx
					bytes.Add(n)
					r.Body.Close()
				}
			})
		}
	}
	all.Wait()
	return bytes.Load()
}

// within is how far a rate may be off.
func within(t *testing.T, what string, got, want, part float64) {
	t.Helper()
	t.Logf("%s: %.1f a second, %.0f are allowed", what, got, want)
	if math.Abs(got-want) > want*part {
		t.Errorf("%s: %.1f a second, %.0f are allowed", what, got, want)
	}
}

func seconds(t *testing.T, n float64) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n*float64(time.Second)))
	t.Cleanup(cancel)
	return ctx
}

func TestPlacesOfThreeGateways(t *testing.T) {
	t.Parallel()
	r, site := harness.StartRedis(t), startVisited(t, 100, 20*time.Millisecond)
	gateways := openAll(t, r.URL, site.URL, func(c *origin.Config) { c.MaxConcurrent = 4 })
	pullAll(seconds(t, 2), gateways, 6, site.URL+"/x")
	t.Logf("at most %d of 18 at the origin, %d came", site.most.Load(), site.ever.Load())
	if most := site.most.Load(); most > 4 || most < 3 {
		t.Errorf("%d at the origin at one time, 4 are allowed", most)
	}
}

func TestRateOfThreeGateways(t *testing.T) {
	t.Parallel()
	r, site := harness.StartRedis(t), startVisited(t, 100, 0)
	gateways := openAll(t, r.URL, site.URL, func(c *origin.Config) { c.MaxRate = 60 })
	pullAll(seconds(t, 3), gateways, 3, site.URL+"/x")
	within(t, "requests", float64(site.ever.Load())/3, 60, 0.1)
}

func TestBandwidthOfThreeGateways(t *testing.T) {
	t.Parallel()
	const rate = 6 << 20
	r, site := harness.StartRedis(t), startVisited(t, 4<<20, 0)
	gateways := openAll(t, r.URL, site.URL, func(c *origin.Config) { c.MaxBandwidth = rate })
	within(t, "bytes", float64(pullAll(seconds(t, 3), gateways, 2, site.URL+"/x"))/3, rate, 0.15)
}

// As processes: the configuration reaches all gateways, and the log names the setting.
func TestGatewaysShareALimit(t *testing.T) {
	t.Parallel()
	r, site := harness.StartRedis(t), startVisited(t, 100, 0)
	settings := fmt.Sprintf("shared: {redis: %q}", r.URL)
	rule := fmt.Sprintf("{id: r, origin: {primary: %q, max_rate: 0.01, scope: fleet, timeouts: {answer: 1s}}}", site.URL)
	first, second := serveWith(t, settings, t.TempDir(), rule), serveWith(t, settings, t.TempDir(), rule)
	if a := first.Do(t, "GET", "/a", "Host", siteHost); a.Status != 200 {
		t.Errorf("the first request: %d", a.Status)
	}
	if a := second.Do(t, "GET", "/b", "Host", siteHost); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("the second request, at the other gateway: %d", a.Status)
	}
	if log := second.Log(t); !strings.Contains(log, "max_rate (0.01 requests per second) is reached for all gateways (scope: fleet)") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	if n := site.ever.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}
