package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// herdCases have everybody ask for the same object at once, which the server does not have.
func herdCases() []benchCase {
	return []benchCase{{name: "herd-10MiB", table: herdTable, ask: ask{size: 10 << 20}, measure: (*bed).measureHerd,
		title: "1,000 clients of one object that must be pulled first", aim: 1,
		ours: ourselves(startPull), peers: []peer{beside("nginx proxy_cache_lock", startNginxCache, 0)}}}
}

const (
	herdClients = 1000
	herdRounds  = 3
)

// herdSample is one herd.
type herdSample struct {
	asked       float64 // questions to the origin
	first, last float64 // seconds until half of the clients had bytes, and until the last had all
	peak        float64 // most memory of the server, in MiB
}

func (b *bed) measureHerd(ctx context.Context, c benchCase, servers []*server, stdout io.Writer) ([]string, error) {
	samples := make([][]herdSample, len(servers))
	for _, order := range turns(min(b.opts.pairs, herdRounds), len(servers)) {
		for _, i := range order {
			h, err := b.herdTurn(ctx, servers[i], c.ask)
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", servers[i].name, err, servers[i].printed())
			}
			samples[i] = append(samples[i], h)
		}
	}
	var lines []string
	for i, one := range c.contenders() {
		lines = append(lines, b.herdLine(c, one, samples[i]))
	}
	writeProgress(stdout, lines)
	return lines, nil
}

// herdTurn connects everybody before it lets them ask.
func (b *bed) herdTurn(ctx context.Context, s *server, a ask) (h herdSample, err error) {
	const buffer = 64 << 10
	fetchers := make([]*fetcher, b.opts.count(herdClients))
	for i := range fetchers {
		if fetchers[i], err = newFetcher(ctx, s.addr, buffer); err != nil {
			return h, err
		}
		defer fetchers[i].close()
	}
	sent, err := b.settled()
	if err != nil {
		return h, err
	}
	processes, err := family(s.cmd.Process.Pid)
	if err == nil {
		err = forgetPeak(processes)
	}
	if err != nil {
		return h, err
	}
	times, err := askTogether(fetchers, b.colds(a.size, 1)(0), a)
	if err != nil {
		return h, err
	}
	peak, err := residentOf(processes, "VmHWM")
	if err != nil {
		return h, err
	}
	after, err := b.settled()
	first := percentiles(times, func(t timing) time.Duration { return t.first })
	for _, t := range times {
		h.last = max(h.last, t.last.Seconds())
	}
	h.asked, h.first, h.peak = float64(after-sent), first[0]/1000, mib(peak)
	return h, err
}

// askTogether has all ask for the same key at once.
func askTogether(fetchers []*fetcher, key string, a ask) ([]timing, error) {
	object, times := newObject(a.size), make([]timing, len(fetchers))
	var group errgroup.Group
	for i, f := range fetchers {
		group.Go(func() (err error) {
			times[i], err = f.fetch(key, a, object)
			return err
		})
	}
	return times, group.Wait()
}

func (b *bed) herdLine(c benchCase, one contender, samples []herdSample) string {
	asked := of(func(h herdSample) float64 { return h.asked }, samples)
	aim := ""
	if one.name == c.ours.name {
		aim = verdict(asked.most, c.aim)
	}
	return fmt.Sprintf("| %s | %s | %d | %.0f (%.0f to %.0f) | %s | %v | %v | %.0f | %d |", c.name, one.name,
		b.opts.count(herdClients), asked.median, asked.least, asked.most, aim,
		of(func(h herdSample) float64 { return h.first }, samples), of(func(h herdSample) float64 { return h.last }, samples),
		of(func(h herdSample) float64 { return h.peak }, samples).most, len(samples))
}
