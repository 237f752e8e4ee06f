package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server that can do 200 a second holds the first step, and not the second.
func TestRamp(t *testing.T) {
	var one sync.Mutex
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		<-time.After(5 * time.Millisecond)
		hello(w, r)
	})
	args := []string{"ramp", "--target", s.URL, "--urls", write(t, "/a\n/b\n"), "--from", "40", "--step", "760", "--hold", "500ms",
		"--max-p99", "400ms"}
	code, stdout, stderr := program(t, append(args, "--to", "2000")...)
	if code != 1 || !strings.Contains(stdout, "held: 40 a second; then the p99 of whole answers is") {
		t.Errorf("exit status %d\n%s%s", code, stdout, stderr)
	}
	if lines := strings.Count(stdout, "\n"); lines != 4 { // a head, two steps, the verdict
		t.Errorf("%d lines:\n%s", lines, stdout)
	}
	code, stdout, _ = program(t, append(args, "--to", "40", "--json")...)
	if r := decoded[rampReport](t, stdout); code != 0 || r.Held != 40 || len(r.Steps) != 1 || r.Steps[0].Report.Due != 20 {
		t.Errorf("exit status %d\n%s", code, stdout)
	}
}

// Errors end it, too, and without a rate that held it says so.
func TestRampStopsAtErrors(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	code, stdout, stderr := program(t, "ramp", "--target", s.URL, "--urls", write(t, "/a\n"), "--from", "50", "--hold", "100ms")
	if code != 1 || s.count() != 5 || !strings.Contains(stdout, "no rate held; then 5 of 5 requests failed, and --max-errors is 1%") ||
		!strings.Contains(stdout, "failed: status 503: 5, the first: GET /a") {
		t.Errorf("exit status %d after %d requests\n%s%s", code, s.count(), stdout, stderr)
	}
}
