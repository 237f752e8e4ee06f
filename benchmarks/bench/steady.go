package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// steadyClients are the connections of the load at a constant rate.
const steadyClients = 64

// quantiles are how long answers took in one turn, in microseconds.
type quantiles [3]float64

func (q quantiles) String() string {
	return fmt.Sprintf("p50 %.0f us, p99 %.0f us, p99.9 %.0f us", q[0], q[1], q[2])
}

// measureSteady finds the rate that all can bear, and gives each server its turns at half of it.
func (b *bed) measureSteady(ctx context.Context, c benchCase, servers []*server, stdout io.Writer) ([]string, error) {
	rate, err := b.steadyRate(ctx, c, servers)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stdout, "  %d answers/s\n", rate)
	took := make([][]quantiles, len(servers))
	for _, order := range turns(b.opts.pairs, len(servers)) {
		for _, i := range order {
			q, err := b.steadyTurn(ctx, servers[i], c.size, rate)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(stdout, "  %-18s %v\n", c.contenders()[i].name, q)
			took[i] = append(took[i], q)
		}
	}
	var lines []string
	for i, one := range c.contenders() {
		lines = append(lines, steadyLine(c, one, rate, took[i]))
		fmt.Fprintln(stdout, " ", lines[i])
	}
	return lines, nil
}

// steadyRate is half of what the slowest one reaches, so that all are asked for the same.
func (b *bed) steadyRate(ctx context.Context, c benchCase, servers []*server) (int, error) {
	if b.opts.rate > 0 {
		return b.opts.rate, nil
	}
	if err := b.warmUp(ctx, c, servers); err != nil {
		return 0, err
	}
	slowest := 0.0
	for _, s := range servers {
		got, err := runWrk(ctx, s.url(c.size), connections(c.size), b.opts.seconds)
		if err != nil {
			return 0, err
		}
		if slowest == 0 || got.rate < slowest {
			slowest = got.rate
		}
	}
	return int(slowest / 2), nil
}

func (b *bed) steadyTurn(ctx context.Context, s *server, size int64, rate int) (q quantiles, err error) {
	if err := b.check(s, size); err != nil {
		return q, err
	}
	before, err := b.sent()
	if err != nil {
		return q, err
	}
	load := openLoop{addr: s.addr, key: keyOf(size), size: int(size), clients: steadyClients,
		interval: time.Second / time.Duration(rate), count: rate * b.opts.seconds}
	times, err := load.run(ctx)
	if err != nil {
		return q, fmt.Errorf("%s: %w\n%s", s.name, err, s.printed())
	}
	if n := times.TotalCount(); n != int64(load.count) {
		return q, fmt.Errorf("%s: %d of %d answers", s.name, n, load.count)
	}
	for i, percent := range []float64{50, 99, 99.9} {
		q[i] = float64(times.ValueAtQuantile(percent)) / 1000
	}
	return q, b.askedFor(s, int64(load.count), before, 0)
}

func steadyLine(c benchCase, one contender, rate int, took []quantiles) string {
	line := fmt.Sprintf("| %s | %s | %d |", c.name, one.name, rate)
	for i := range took[0] {
		var all []float64
		for _, q := range took {
			all = append(all, q[i])
		}
		s := spreadOf(all)
		line += fmt.Sprintf(" %.0f (%.0f to %.0f) |", s.median, s.least, s.most)
	}
	return line + fmt.Sprintf(" %d |", len(took))
}
