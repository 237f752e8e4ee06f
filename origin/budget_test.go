package origin

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// crowd is a Budget of gateways in one process, which takes things literally and keeps count.
type crowd struct {
	places *semaphore.Weighted

	mu     sync.Mutex
	flow   *rate.Limiter
	asked  []string // what was taken
	took   float64
	slowed time.Duration // added to what a take must wait
}

func newCrowd(places int64) *crowd { return &crowd{places: semaphore.NewWeighted(places)} }

func (c *crowd) Take(_ context.Context, what string, n, perSecond, burst float64, most time.Duration) (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flow == nil {
		c.flow = rate.NewLimiter(rate.Limit(perSecond), int(burst))
	}
	r := c.flow.ReserveN(time.Now(), int(n))
	wait := r.Delay() + c.slowed
	if wait > most {
		r.Cancel()
		return wait, false
	}
	c.asked, c.took = append(c.asked, what), c.took+n
	return wait, true
}

func (c *crowd) Enter(ctx context.Context, _ string, _ int) func() {
	if c.places.Acquire(ctx, 1) != nil {
		return nil
	}
	return func() { c.places.Release(1) }
}

// openOf opens the origin of one of the gateways.
func openOf(t *testing.T, c *crowd, url string, change func(*Config)) *Origin {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Primary, cfg.Scope = Target{URL: url}, ScopeFleet
	change(&cfg)
	o, err := New(cfg, Options{Budget: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func TestMaxConcurrentOfAll(t *testing.T) {
	server, all := startSaying(t, fine), newCrowd(2)
	narrow := func(c *Config) { c.MaxConcurrent, c.Timeouts.Answer = 2, 50*time.Millisecond }
	a, b := openOf(t, all, server.url(), narrow), openOf(t, all, server.url(), narrow)
	first := fetched(t, a, get(a, "/"))
	second := fetched(t, b, get(b, "/"))
	e := refused(t, a, get(a, "/"), KindBusy)
	if !strings.Contains(e.Error(), "max_concurrent (2) pulls are under way for all gateways (scope: fleet)") {
		t.Errorf("failed with %v", e)
	}
	second.Body.Close()
	third := fetched(t, a, get(a, "/"))
	all.places.Release(1) // somebody else's: now this gateway's own two places are the limit
	e = refused(t, a, get(a, "/"), KindBusy)
	if strings.Contains(e.Error(), "for all") || !strings.Contains(e.Error(), "max_concurrent (2)") {
		t.Errorf("failed with %v", e)
	}
	all.places.TryAcquire(1)
	first.Body.Close()
	first.Body.Close()
	third.Body.Close()
	if !all.places.TryAcquire(2) || all.places.TryAcquire(1) {
		t.Error("places were not given back, or twice")
	}
}

// Limits of all gateways that nobody could hold are a mistake, not limits that do not hold.
func TestScopeFleetNeedsABudget(t *testing.T) {
	c := DefaultConfig()
	c.Primary, c.Scope = Target{URL: "http://o.example"}, ScopeFleet
	if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), "scope: fleet") {
		t.Errorf("New says %v", err)
	}
}

func TestFailuresGiveTheirPlaceOfAllBack(t *testing.T) {
	all := newCrowd(1)
	o := openOf(t, all, "http://"+deadAddress(t), func(c *Config) { c.MaxConcurrent = 2 })
	for range 3 {
		if _, err := fetch(t, o, get(o, "/")); err.(*Error).Kind == KindBusy {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	all.places.TryAcquire(1)
	_, err := o.Fetch(ctx, get(o, "/"))
	failedAs(t, err, KindFailed)
	if !o.limits.places.TryAcquire(2) {
		t.Error("a pull that found no place of all kept its own")
	}
}

func TestMaxRateOfAll(t *testing.T) {
	server, all := startSaying(t, fine), newCrowd(1000)
	slow := func(c *Config) { c.MaxRate, c.Timeouts.Answer = 0.5, time.Second }
	a, b := openOf(t, all, server.url(), slow), openOf(t, all, server.url(), slow)
	fetched(t, a, get(a, "/"))
	e := refused(t, b, get(b, "/"), KindBusy)
	if !strings.Contains(e.Error(), "max_rate (0.5 requests per second) is reached for all gateways (scope: fleet)") ||
		e.RetryAfter < time.Second {
		t.Errorf("failed with %+v", e)
	}
	all.flow, all.slowed = nil, 200*time.Millisecond
	begun := time.Now()
	fetched(t, openOf(t, all, server.url(), slow), get(b, "/"))
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("it was asked after %s", took)
	}
}

// Few questions are asked for many bytes, and what is granted and not used by one body is the next one's.
func TestMaxBandwidthOfAll(t *testing.T) {
	const size, perSecond = 1 << 20, 8 << 20
	server, all := startHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
	}), newCrowd(1000)
	wide := func(c *Config) { c.MaxBandwidth = perSecond }
	gateways := []*Origin{openOf(t, all, server.URL, wide), openOf(t, all, server.URL, wide)}
	begun := time.Now()
	var bodies sync.WaitGroup
	for i := range 8 {
		bodies.Go(func() {
			o := gateways[i%2]
			if got := len(content(t, fetched(t, o, get(o, "/")))); got != size {
				t.Errorf("%d bytes", got)
			}
		})
	}
	bodies.Wait()
	if took := time.Since(begun); took < 800*time.Millisecond { // an eighth of a second's worth is there at once
		t.Errorf("8 MiB at 8 MiB/s took %s", took)
	}
	if n := len(all.asked); all.took > 8*size+2*perSecond/8 || n > 40 {
		t.Errorf("%d questions for %.0f bytes", n, all.took)
	}
}

func TestBodyWaitsForBandwidthOfAllUntilClosed(t *testing.T) {
	all := newCrowd(1)
	all.slowed = time.Hour
	o := openOf(t, all, startSaying(t, fine).url(), func(c *Config) { c.MaxBandwidth = 1 << 20 })
	r := fetched(t, o, get(o, "/"))
	failed := make(chan error)
	go func() {
		_, err := io.ReadAll(r.Body)
		failed <- err
	}()
	<-time.After(20 * time.Millisecond)
	r.Body.Close()
	failedAs(t, <-failed, KindFailed)
}

// The more gateways want bytes, the smaller the portions in which each takes them.
func TestGrantsAdapt(t *testing.T) {
	g := newGrants(newCrowd(1), 8<<20, 1<<20)
	f := func(wait time.Duration, want int64) {
		t.Helper()
		if g.adapt(wait); g.size != want {
			t.Errorf("after %s the next is %d, want %d", wait, g.size, want)
		}
	}
	f(0, 1<<20)
	f(time.Second, 1<<19)
	f(grantSlow, 1<<20)
	for range 20 {
		g.adapt(time.Second)
	}
	f(time.Second, minGrant)
	small := newGrants(newCrowd(1), 1, minBurst)
	if small.adapt(time.Second); small.size != minBurst {
		t.Errorf("a small one becomes %d", small.size)
	}
}

// One use may take several grants.
func TestSmallGrantsAddUp(t *testing.T) {
	all := newCrowd(1)
	g := newGrants(all, 8<<20, 64<<10)
	g.size = minGrant
	if err := g.use(t.Context(), 3*minGrant); err != nil || len(all.asked) != 2 || g.left != 0 { // the second is twice the first
		t.Errorf("%d questions, %d left, %v", len(all.asked), g.left, err)
	}
}

func TestOldGrantsAreForgotten(t *testing.T) {
	all := newCrowd(1)
	g := newGrants(all, 8<<20, 1<<20)
	for range 2 {
		if err := g.use(t.Context(), 1); err != nil {
			t.Error(err)
		}
	}
	g.due = g.due.Add(-2 * grantAge)
	if err := g.use(t.Context(), 1); err != nil || len(all.asked) != 2 {
		t.Errorf("%d questions, %v", len(all.asked), err)
	}
}
