package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// report is what a run, or a part of it, gave; also as JSON.
type report struct {
	Seconds  float64 `json:"seconds"`
	Due      int64   `json:"due"`
	NotSent  int64   `json:"not_sent"`
	Answered int64   `json:"answered"` // to the end, with any status
	Bytes    int64   `json:"bytes"`

	Statuses map[string]int64  `json:"statuses"`
	Logged   logged            `json:"logged"`
	Outcomes map[string]int64  `json:"cache_status"`
	Failures map[string]failed `json:"failures"`

	First  quantiles `json:"first_byte"` // from when a request was due, as the others
	Total  quantiles `json:"whole_answer"`
	Waited quantiles `json:"sent"`

	Skipped  map[string]int64 `json:"skipped,omitempty"` // lines of the log
	Compared *comparison      `json:"compared,omitempty"`
	Exceeded []string         `json:"exceeded"`
}

// failed are the failures of one kind.
type failed struct {
	Count   int64  `json:"count"`
	Example string `json:"example"` // the first
}

// logged says how the statuses compare with those in the log.
type logged struct {
	Alike     int64        `json:"alike"`
	Whole     int64        `json:"whole"` // 200 where the log has 304 or 206
	Different int64        `json:"different"`
	Pairs     []loggedPair `json:"pairs,omitempty"` // the most frequent
}

type loggedPair struct {
	Logged int   `json:"logged"`
	Got    int   `json:"got"`
	Count  int64 `json:"count"`
}

// mostPairs bounds the list of statuses that differ.
const mostPairs = 20

// sort puts the most frequent first, and leaves the others out.
func (l *logged) sort() {
	slices.SortFunc(l.Pairs, func(a, b loggedPair) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Logged, b.Logged), cmp.Compare(a.Got, b.Got))
	})
	l.Pairs = l.Pairs[:min(len(l.Pairs), mostPairs)]
}

// quantiles are in microseconds.
type quantiles struct {
	P50  int64 `json:"p50_us"`
	P90  int64 `json:"p90_us"`
	P99  int64 `json:"p99_us"`
	P999 int64 `json:"p999_us"`
	Max  int64 `json:"max_us"`
}

func quantilesOf(h *hdrhistogram.Histogram) quantiles {
	at := func(percent float64) int64 { return time.Duration(h.ValueAtQuantile(percent)).Microseconds() }
	return quantiles{at(50), at(90), at(99), at(99.9), time.Duration(h.Max()).Microseconds()}
}

// failed is how many requests failed; those that were given up after an interrupt are nobody's fault.
func (r report) failed() int64 {
	var n int64
	for kind, f := range r.Failures {
		if kind != string(interrupted) {
			n += f.Count
		}
	}
	return n
}

// rate is in requests a second.
func (r report) rate() float64 { return float64(r.Due) / max(r.Seconds, 1e-9) }

// conclude adds what decides about the exit status, and returns it.
func (r *report) conclude(l limits) error {
	r.Exceeded = append(r.Exceeded, l.exceeded(*r)...)
	if len(r.Exceeded) > 0 {
		return exit(exitFailed)
	}
	r.Exceeded = []string{}
	return nil
}
