package main

import (
	"math"
	"net/http"
	"slices"
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

// Requests are due at exactly the rate, and the server sees it within some percent. A busy machine may delay a try.
func TestRateIsKept(t *testing.T) {
	f := func(rate float64) {
		t.Helper()
		best := math.Inf(1)
		for range 5 {
			s := serve(t, hello)
			all := collected(t, s, loop{schedule: constant(rate), duration: time.Second, connections: 8, timeout: time.Minute})
			if len(all) != int(rate) || s.count() != int(rate) {
				t.Fatalf("%v a second for a second: %d due and %d asked", rate, len(all), s.count())
			}
			slices.SortFunc(all, func(a, b result) int { return a.due.Compare(b.due) })
			if off := offBy(rate, all[0].due, all[len(all)-1].due); off > 1e-6 {
				t.Fatalf("%v a second: due with %v off", rate, off)
			}
			if best = min(best, offBy(rate, s.at[0], s.at[len(s.at)-1])); best < 0.03 {
				return
			}
		}
		t.Errorf("%v a second: the nearest of five tries was off by %.1f%%", rate, best*100)
	}
	f(37)
	f(200)
}

// offBy is by how much the rate is missed if there is a second's worth of requests between these times; 0.01 is 1%.
func offBy(rate float64, first, last time.Time) float64 {
	return math.Abs((math.Floor(rate)-1)/last.Sub(first).Seconds()/rate - 1)
}
