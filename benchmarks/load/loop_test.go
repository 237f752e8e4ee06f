package main

import (
	"math"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A server that stalls shows in the times of all requests that were due meanwhile, also of those that found no
// connection: each ends after the stall does.
func TestStallIsCharged(t *testing.T) {
	const stall = 200 * time.Millisecond
	var once sync.Once
	var gate sync.RWMutex
	var from, until time.Time
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() {
			gate.Lock()
			defer gate.Unlock()
			from = time.Now()
			<-time.After(stall)
			until = time.Now()
		})
		gate.RLock()
		defer gate.RUnlock()
		hello(w, r)
	})
	all := collected(t, s, loop{schedule: constant(200), duration: 500 * time.Millisecond, connections: 4, timeout: time.Minute})
	if len(all) != 100 {
		t.Errorf("%d requests in half a second at 200 a second", len(all))
	}
	charged := 0
	for _, r := range all {
		if r.failure != "" {
			t.Fatal(r.failure, r.err)
		}
		if r.due.Before(from) || r.due.After(until) {
			continue
		}
		charged++
		if end := r.due.Add(r.first); end.Before(until) {
			t.Errorf("due %v into the stall, and its first byte came %v before the end of it", r.due.Sub(from), until.Sub(end))
		}
	}
	if want := int(stall/(5*time.Millisecond)) - 1; charged < want {
		t.Errorf("%d requests were due during the stall, not %d", charged, want)
	}
}

// Every request that was due is counted: answered, failed or not sent.
func TestNothingIsDropped(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	all := collected(t, s, loop{schedule: constant(100), duration: time.Second / 2, connections: 2, timeout: 100 * time.Millisecond})
	kinds := make(map[failure]int)
	for _, r := range all {
		kinds[r.failure]++
	}
	if len(all) != 50 || kinds[timedOut]+kinds[notSent] != 50 || kinds[timedOut] != s.count() || kinds[notSent] < 10 {
		t.Errorf("of 50 requests: %v; the server was asked %d times", kinds, s.count())
	}
}

// The rate is kept within some percent, whatever the rate. A busy machine may delay one try.
func TestRateIsKept(t *testing.T) {
	f := func(rate float64, took time.Duration) {
		t.Helper()
		best := math.Inf(1)
		for range 3 {
			s := serve(t, hello)
			all := collected(t, s, loop{schedule: constant(rate), duration: took, connections: 8, timeout: time.Minute})
			if want := int(rate * took.Seconds()); len(all) != want || s.count() != want {
				t.Fatalf("%v a second for %v: %d due and %d asked, not %d", rate, took, len(all), s.count(), want)
			}
			got := float64(len(s.at)-1) / s.at[len(s.at)-1].Sub(s.at[0]).Seconds()
			if best = min(best, math.Abs(got/rate-1)); best < 0.02 {
				return
			}
		}
		t.Errorf("%v a second: the nearest of three tries was off by %.1f%%", rate, best*100)
	}
	f(37, time.Second)
	f(1000, time.Second)
}
