package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// fillCases ask for many objects that the servers do not have, until the folders have them all.
func fillCases() (cases []benchCase) {
	f := func(name string, size int64, aim float64) {
		cases = append(cases, benchCase{name: "fill-" + name, table: fillTable, ask: ask{size: size},
			measure: (*bed).measureFill, title: "many objects that are pulled from the origin and saved in a directory",
			ours: ourselves(startPull), peers: []peer{beside("nginx proxy_store", startNginxStore, aim)}})
	}
	f("10KiB", 10<<10, 0)
	f("10MiB", 10<<20, 1)
	return cases
}

// fillObjects are how many objects of that size one turn asks for, and over how many connections.
func fillObjects(size int64) (count, clients int) {
	if size > 1<<20 {
		return 64, 8
	}
	return 10_000, 32
}

// fillSample is one turn.
type fillSample struct {
	answered, saved float64 // seconds until all are
	cpu             float64 // microseconds by object
}

// fillRounds bounds what is written to the disk.
const fillRounds = 3

func (b *bed) measureFill(ctx context.Context, c benchCase, servers []*server, stdout io.Writer) ([]string, error) {
	samples := make([][]fillSample, len(servers))
	for _, s := range servers {
		if err := b.checkCold(s, c.ask.size); err != nil {
			return nil, err
		}
	}
	for _, order := range turns(min(b.opts.pairs, fillRounds), len(servers)) {
		for _, i := range order {
			s, err := b.fillTurn(ctx, servers[i], c.ask)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(stdout, "  %-18s all answered after %.2f s, saved after %.2f s, %.0f us CPU by object\n",
				c.contenders()[i].name, s.answered, s.saved, s.cpu)
			samples[i] = append(samples[i], s)
		}
	}
	var lines []string
	for i, p := range c.peers {
		lines = append(lines, b.fillLine(c, p, samples[0], samples[i+1]))
	}
	writeProgress(stdout, lines)
	return lines, nil
}

func (b *bed) fillTurn(ctx context.Context, s *server, a ask) (f fillSample, err error) {
	all, clients := fillObjects(a.size)
	count := b.opts.count(all)
	keys := b.colds(a.size, count)
	sent, err := b.settled()
	if err != nil {
		return f, err
	}
	before, err := family(s.cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	began := time.Now()
	answered, err := fetchAll(ctx, s.addr, a, clients, count, keys)
	if err != nil {
		return f, fmt.Errorf("%s: %w\n%s", s.name, err, s.printed())
	}
	if err := waitSaved(ctx, s, a.size, count, keys); err != nil {
		return f, err
	}
	saved := time.Since(began)
	used, err := usedSince(s, before)
	if err != nil {
		return f, err
	}
	return fillSample{answered.Seconds(), saved.Seconds(), float64(used.Microseconds()) / float64(count)},
		b.askedFor(s, int64(count), sent, 0)
}

// waitSaved waits until the server's folder has all the objects.
func waitSaved(ctx context.Context, s *server, size int64, count int, key func(int) string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < count; {
		info, err := os.Stat(filepath.Join(s.files, key(n)))
		if err == nil && info.Size() == size {
			n++
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s has not saved %s: %w\n%s", s.name, key(n), ctx.Err(), s.printed())
		}
	}
	return nil
}

func (b *bed) fillLine(c benchCase, p peer, ours, theirs []fillSample) string {
	answered := func(f fillSample) float64 { return f.answered }
	saved := func(f fillSample) float64 { return f.saved }
	cpu := func(f fillSample) float64 { return f.cpu }
	count, _ := fillObjects(c.ask.size)
	ratio := ratios(answered, ours, theirs)
	return fmt.Sprintf("| %s | %s | %.2f | %.2f | %v | %s | %.2f | %.2f | %v | %.0f | %.0f | %v | %d | %d |",
		c.name, p.name, of(answered, ours).median, of(answered, theirs).median, ratio, verdict(ratio.median, p.aim),
		of(saved, ours).median, of(saved, theirs).median, ratios(saved, ours, theirs),
		of(cpu, ours).median, of(cpu, theirs).median, ratios(cpu, ours, theirs), b.opts.count(count), len(ours))
}
