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
			q, err := b.steadyTurn(ctx, servers[i], c.ask, rate)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(stdout, "  %-18s %v\n", c.contenders()[i].name, q)
			took[i] = append(took[i], q)
		}
	}
	var lines []string
	for i, one := range c.contenders() {
		lines = append(lines, steadyLine(c, one, rate, took[i], steadyVerdict(c, i, took)))
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
		got, err := b.load(ctx, s, c.ask, b.opts.seconds)
		if err != nil {
			return 0, err
		}
		if slowest == 0 || got.rate < slowest {
			slowest = got.rate
		}
	}
	return int(slowest / 2), nil
}

func (b *bed) steadyTurn(ctx context.Context, s *server, a ask, rate int) (q quantiles, err error) {
	if err := b.check(s, a); err != nil {
		return q, err
	}
	before, err := b.sent()
	if err != nil {
		return q, err
	}
	load := openLoop{addr: s.addr, key: a.key(), size: int(a.size), clients: steadyClients,
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

// steadyVerdict says of mirrorgate whether its p99.9 is as much of the peers' as is aimed at: of the turns of one
// round, at the median.
func steadyVerdict(c benchCase, server int, took [][]quantiles) string {
	if server > 0 {
		return ""
	}
	p999 := func(q quantiles) float64 { return q[2] }
	for i, p := range c.peers {
		if p.aim > 0 {
			ratio := ratios(p999, took[0], took[i+1])
			return fmt.Sprintf("p99.9 to %s: %v; aim %s", p.name, ratio, verdict(ratio.median, p.aim))
		}
	}
	return "none"
}

func steadyLine(c benchCase, one contender, rate int, took []quantiles, verdict string) string {
	line := fmt.Sprintf("| %s | %s | %d |", c.name, one.name, rate)
	for i := range took[0] {
		s := of(func(q quantiles) float64 { return q[i] }, took)
		line += fmt.Sprintf(" %.0f (%.0f to %.0f) |", s.median, s.least, s.most)
	}
	return line + fmt.Sprintf(" %s | %d |", verdict, len(took))
}
