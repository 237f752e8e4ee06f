package main

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"mirrorgate/benchmarks/load/accesslog"
)

// tally counts results. Its size does not depend on how many. It may be used by several goroutines at a time.
type tally struct {
	began time.Time

	mu       sync.Mutex
	counts   report // what is only counted, and no times
	failures map[failure]*failed
	pairs    map[pair]int64 // of statuses that differ
	waited   *hdrhistogram.Histogram
	first    *hdrhistogram.Histogram
	total    *hdrhistogram.Histogram
}

// pair is a status in the log and that of the answer.
type pair struct{ logged, got int }

func newTally() *tally {
	return &tally{
		began: time.Now(), failures: make(map[failure]*failed), pairs: make(map[pair]int64),
		counts: report{Statuses: make(map[string]int64), Outcomes: make(map[string]int64)},
		waited: newTimes(), first: newTimes(), total: newTimes(),
	}
}

// longest is the longest time that is told from longer ones: more than a wait and an answer may take together.
const longest = time.Hour

func newTimes() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(time.Microsecond), int64(longest), 3)
}

// add counts one request that was due.
func (t *tally) add(r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Due++
	t.counts.Bytes += r.answer.bytes
	switch {
	case r.failure == notSent:
		t.counts.NotSent++
		t.fail(r.failure, r.err.Error())
		return
	case r.failure != "":
		t.fail(r.failure, r.request.Method+" "+r.request.Target+": "+r.err.Error())
		return
	}
	t.counts.Answered++
	record(t.waited, r.waited)
	record(t.first, r.first)
	record(t.total, r.total)
	t.counts.Statuses[strconv.Itoa(r.answer.status)]++
	t.counts.Outcomes[outcome(r.answer.header)]++
	t.logged(r)
	if r.answer.status >= http.StatusInternalServerError {
		t.fail(failure("status "+strconv.Itoa(r.answer.status)), r.request.Method+" "+r.request.Target)
	}
}

// record cannot fail: the value is within what the histogram takes.
func record(into *hdrhistogram.Histogram, d time.Duration) {
	_ = into.RecordValue(int64(min(d, longest)))
}

// fail counts a failure, and keeps the first of its kind as an example.
func (t *tally) fail(f failure, example string) {
	if t.failures[f] == nil {
		t.failures[f] = &failed{Example: shortened(example)}
	}
	t.failures[f].Count++
}

// logged compares the status with that in the log.
func (t *tally) logged(r result) {
	logged, got := r.request.Status, r.answer.status
	switch {
	case logged == 0:
		return
	case logged == got:
		t.counts.Logged.Alike++
	case got == http.StatusOK && unasked(r.request):
		t.counts.Logged.Whole++
	default:
		t.counts.Logged.Different++
		t.pairs[pair{logged, got}]++
	}
}

// unasked tells whether the old answer was one to a condition or a range that the log does not tell.
func unasked(r accesslog.Request) bool {
	return (r.Status == http.StatusNotModified || r.Status == http.StatusPartialContent) && len(r.Header) == 0
}

// report returns what has been counted up to now.
func (t *tally) report() report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.counts
	r.Seconds = time.Since(t.began).Seconds()
	r.Statuses, r.Outcomes = maps.Clone(r.Statuses), maps.Clone(r.Outcomes)
	r.Failures = make(map[string]failed)
	for f, n := range t.failures {
		r.Failures[string(f)] = *n
	}
	for p, n := range t.pairs {
		r.Logged.Pairs = append(r.Logged.Pairs, loggedPair{p.logged, p.got, n})
	}
	r.Logged.sort()
	r.Waited, r.First, r.Total = quantilesOf(t.waited), quantilesOf(t.first), quantilesOf(t.total)
	return r
}
