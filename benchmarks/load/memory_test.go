package main

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// What the program keeps does not grow with what it has sent.
func TestMemoryIsFlat(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	u, err := parseBase("url", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	count, requests := newTally(), forever(t)
	to := newClient(u, http.Header{}, "", 8, time.Minute, false)
	heap := func(requestsMore int) int {
		l := loop{requests: requests, schedule: constant(1e6), duration: time.Duration(requestsMore) * time.Microsecond,
			connections: 8, timeout: time.Minute, send: to.send, took: count.add}
		if err := l.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.GC() // the second empties pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	few := heap(1000)
	many := heap(4000)
	if r := count.report(); r.Answered != 5000 {
		t.Fatalf("%+v", r)
	}
	if grown := many - few; grown > 150<<10 { // 38 bytes a request
		t.Errorf("%d KiB after 1,000 requests, and %d KiB more after 5,000", few>>10, grown>>10)
	}
}
