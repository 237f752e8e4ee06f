package gateway

import (
	"sync/atomic"
	"time"
)

// bounds are those of the histograms of time: what OpenTelemetry advises for http.server.request.duration, and more at
// both ends, since memory answers sooner and large bodies take longer.
var bounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 75 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, 750 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second,
	7500 * time.Millisecond, 10 * time.Second, 30 * time.Second, 60 * time.Second,
}

// latency is how long the answers of one outcome took.
type latency struct {
	firstByte, total histogram
	both             histogram // of answers whose first byte left with the last: counted once, it is cheaper
}

type histogram struct {
	counts [len(bounds) + 1]atomic.Int64
	sum    atomic.Int64 // nanoseconds
}

func (h *histogram) add(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// read adds histograms up.
func read(list ...*histogram) (counts []int64, sum time.Duration) {
	counts = make([]int64, len(bounds)+1)
	for _, h := range list {
		for i := range h.counts {
			counts[i] += h.counts[i].Load()
		}
		sum += time.Duration(h.sum.Load())
	}
	return counts, sum
}

// Latencies is how long answers took, of each outcome that there has been.
func (g *Gateway) Latencies() (list []Latency) {
	seconds := make([]float64, len(bounds))
	for i, d := range bounds {
		seconds[i] = d.Seconds()
	}
	for outcome := range g.tallies.latencies {
		one := &g.tallies.latencies[outcome]
		l := Latency{Outcome: Outcome(outcome), Bounds: seconds}
		l.FirstByte, l.FirstByteSum = read(&one.firstByte, &one.both)
		l.Total, l.TotalSum = read(&one.total, &one.both)
		if sumOf(l.Total) > 0 {
			list = append(list, l)
		}
	}
	return list
}

func sumOf(counts []int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}
