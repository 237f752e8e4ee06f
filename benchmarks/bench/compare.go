package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// sample is one turn of a server.
type sample struct {
	cpu  float64 // microseconds of a core per answer
	rate float64 // answers per second
}

// measure measures a case and returns its lines of the tables, without the last column.
func (b *bed) measure(ctx context.Context, c benchCase, stdout io.Writer) (lines []string, err error) {
	if c.startsThem {
		return c.measure(b, ctx, c, nil, stdout)
	}
	var servers []*server
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, b.end(s))
		}
	}()
	for _, one := range c.contenders() {
		s, err := one.start(b, c.ask)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		servers = append(servers, s)
	}
	return c.measure(b, ctx, c, servers, stdout)
}

// measureSpeed gives each server its turns.
func (b *bed) measureSpeed(ctx context.Context, c benchCase, servers []*server, stdout io.Writer) ([]string, error) {
	samples := make([][]sample, len(servers))
	if err := b.warmUp(ctx, c, servers); err != nil {
		return nil, err
	}
	for _, order := range turns(max(b.opts.pairs, c.pairs), len(servers)) {
		for _, i := range order {
			s, err := b.turn(ctx, servers[i], c.ask)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(stdout, "  %-18s %10.1f us CPU per answer %10s answers/s\n", c.contenders()[i].name, s.cpu,
				figure(s.rate))
			samples[i] = append(samples[i], s)
		}
	}
	var lines []string
	for i, p := range c.peers {
		line := speedLine(c, p, samples[0], samples[i+1])
		fmt.Fprintln(stdout, " ", line)
		lines = append(lines, line)
	}
	return lines, nil
}

// warmUp opens what a server keeps open, and lets its memory grow to what it needs.
func (b *bed) warmUp(ctx context.Context, c benchCase, servers []*server) error {
	for _, s := range servers {
		if err := b.check(s, c.ask); err != nil {
			return err
		}
		if _, err := b.load(ctx, s, c.ask, 1); err != nil {
			return err
		}
	}
	return nil
}

// load asks for a while, or for a few large objects.
func (b *bed) load(ctx context.Context, s *server, a ask, seconds int) (loadResult, error) {
	if a.length() > maxWhole {
		return runWhole(ctx, s.addr, a)
	}
	return runWrk(ctx, s.url(a), a, b.connections(a), seconds)
}

// connections are as many as keep a core busy, unless the command line says another number. Few of them for large
// objects: answers under way when a turn ends are not counted.
func (b *bed) connections(a ask) int {
	switch {
	case b.opts.connections > 0:
		return b.opts.connections
	case a.length() > 1<<20:
		return 8
	}
	return 32
}

// turn checks the server and measures it once.
func (b *bed) turn(ctx context.Context, s *server, a ask) (sample, error) {
	if err := b.check(s, a); err != nil {
		return sample{}, err
	}
	sentBefore, err := b.sent()
	if err != nil {
		return sample{}, err
	}
	before, err := family(s.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	got, err := b.load(ctx, s, a, b.opts.seconds)
	if err != nil {
		return sample{}, err
	}
	used, err := usedSince(s, before)
	if err != nil {
		return sample{}, err
	}
	if err := b.askedFor(s, got.requests, sentBefore, int64(b.connections(a))); err != nil {
		return sample{}, err
	}
	return sample{cpu: float64(used.Microseconds()) / float64(got.requests), rate: got.rate}, nil
}

// usedSince is the CPU time that the server has used since its processes were looked at.
func usedSince(s *server, before []procStat) (time.Duration, error) {
	after, err := family(s.cmd.Process.Pid)
	if err == nil && !sameFamily(before, after) {
		err = fmt.Errorf("%s: processes came or went while it was measured", s.name)
	}
	return cpuOf(after) - cpuOf(before), err
}

// askedFor makes sure that the backend was asked as often as so many answers need. Each client may have had one more
// answer under way at the end; and the one or other object is fetched once more.
func (b *bed) askedFor(s *server, answers, before, clients int64) error {
	now, err := b.sent()
	if err != nil {
		return err
	}
	want := s.asked(answers)
	if asked := now - before; asked < want || asked > want+2*clients {
		return fmt.Errorf("%s: the backend was asked %d times for %d answers", s.name, asked, answers)
	}
	return nil
}

// speedLine compares the turns of mirrorgate with those of a peer.
func speedLine(c benchCase, p peer, ours, theirs []sample) string {
	cpu := func(s sample) float64 { return s.cpu }
	rate := func(s sample) float64 { return s.rate }
	ratio := ratios(cpu, ours, theirs)
	return fmt.Sprintf("| %s | %s | %v | %s | %v | %.1f | %.1f | %s | %s | %d |", c.name, p.name, ratio,
		verdict(ratio.median, p.aim), ratios(rate, ours, theirs), of(cpu, ours).median, of(cpu, theirs).median,
		figure(of(rate, ours).median), figure(of(rate, theirs).median), len(ours))
}

// of is what the turns have of one figure.
func of[T any](value func(T) float64, samples []T) spread {
	var all []float64
	for _, s := range samples {
		all = append(all, value(s))
	}
	return spreadOf(all)
}

// ratios are those of the two turns of each round.
func ratios[T any](value func(T) float64, ours, theirs []T) spread {
	var all []float64
	for i := range ours {
		all = append(all, value(ours[i])/value(theirs[i]))
	}
	return spreadOf(all)
}

// verdict says whether a figure is at most what the design asks for.
func verdict(ratio, aim float64) string {
	switch {
	case aim == 0:
		return "none"
	case ratio <= aim:
		return fmt.Sprintf("%.2f, met", aim)
	}
	return fmt.Sprintf("%.2f, missed", aim)
}
