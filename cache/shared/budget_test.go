package shared

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// takers take one after another, at each gateway and as fast as they may, and count what may be used until ctx ends.
func takers(ctx context.Context, gateways []*sharer, each int, n, rate float64) float64 {
	var all sync.WaitGroup
	var taken atomic.Int64
	for _, g := range gateways {
		for range each {
			all.Go(func() {
				for {
					wait, ok := g.Take(ctx, "max_rate", n, rate, max(rate/8, 1), time.Minute)
					if !ok || !passed(ctx, wait) || ctx.Err() != nil {
						return
					}
					taken.Add(1)
				}
			})
		}
	}
	all.Wait()
	return float64(taken.Load()) * n
}

func TestRateOfAllGateways(t *testing.T) {
	t.Parallel()
	gateways := fleetOf(t, harness.StartRedis(t).URL, 3)
	const rate, seconds = 200, 3
	got := takers(until(t, seconds*time.Second), gateways, 2, 1, rate) / seconds
	t.Logf("%.1f a second at %d", got, rate)
	if math.Abs(got-rate) > rate/10 {
		t.Errorf("%.1f a second at %d", got, rate)
	}
}

func TestTakeSaysHowLong(t *testing.T) {
	t.Parallel()
	g := fleetOf(t, harness.StartRedis(t).URL, 1)[0]
	f := func(n, rate float64, most, atLeast, atMost time.Duration, taken bool) {
		t.Helper()
		wait, ok := g.Take(t.Context(), "x", n, rate, 1, most)
		if ok != taken || wait < atLeast || wait > atMost {
			t.Errorf("%g of %g: %s, %t", n, rate, wait, ok)
		}
	}
	f(1, 0.1, 0, 0, 0, true)
	f(1, 0.1, time.Second, 9*time.Second, 10*time.Second, false)
	f(1, 0.1, time.Second, 9*time.Second, 10*time.Second, false) // the one before took nothing
	f(1, 0.1, 20*time.Second, 9*time.Second, 10*time.Second, true)
	f(1, 0.1, 15*time.Second, 19*time.Second, 20*time.Second, false)
	f(7, 0.1, time.Hour, time.Minute, 90*time.Second, false) // nobody takes what comes in so late
	f(1, 5e-324, 30*time.Second, 0, 20*time.Second, true)
	f(1, 5e-324, time.Hour, time.Minute, math.MaxInt64, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := g.Take(ctx, "y", 1, 1, 1, time.Hour); ok {
		t.Error("taken for somebody who has gone")
	}
}
