package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// missCases ask for objects that the servers do not have, one after the other.
func missCases() (cases []benchCase) {
	for _, s := range sizes()[1:3] {
		cases = append(cases, benchCase{name: "miss-" + s.name, table: missTable, ask: ask{size: s.bytes}, aim: 1,
			measure: (*bed).measureMiss, title: "an object that must be pulled from the origin first",
			ours: ourselves(startPull), peers: []peer{beside("nginx proxy_store", startNginxStore, 0)}})
	}
	return cases
}

// missObjects are how many objects are asked for; large ones are written in great numbers otherwise.
func missObjects(size int64) int {
	if size > 1<<20 {
		return 100
	}
	return 500
}

// measureMiss asks all servers and the origin itself for each object, one after the other, over a connection each.
func (b *bed) measureMiss(ctx context.Context, c benchCase, servers []*server, stdout io.Writer) ([]string, error) {
	addresses := []string{b.backendAt}
	for _, s := range servers {
		if err := b.checkCold(s, c.ask.size); err != nil {
			return nil, err
		}
		addresses = append(addresses, s.addr)
	}
	count := b.opts.count(missObjects(c.ask.size))
	before, err := b.sent()
	if err != nil {
		return nil, err
	}
	times, err := askInTurn(ctx, addresses, c.ask, count, b.colds(c.ask.size, count))
	if err != nil {
		return nil, err
	}
	after, err := b.sent()
	if err != nil {
		return nil, err
	}
	if asked := after - before; asked != int64(count*len(addresses)) {
		return nil, fmt.Errorf("the origin was asked %d times for %d objects by %d", asked, count, len(addresses))
	}
	lines := []string{missLine(c, "the origin itself", times[0], nil)}
	for i, one := range c.contenders() {
		lines = append(lines, missLine(c, one.name, times[i+1], times[0]))
	}
	writeProgress(stdout, lines)
	return lines, nil
}

func writeProgress(stdout io.Writer, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(stdout, " ", line)
	}
}

// askInTurn returns how long each address took for each of the keys.
func askInTurn(ctx context.Context, addresses []string, a ask, count int, key func(int) string) ([][]timing, error) {
	fetchers := make([]*fetcher, len(addresses))
	for i, addr := range addresses {
		f, err := newFetcher(ctx, addr, largeBuffer)
		if err != nil {
			return nil, err
		}
		defer f.close()
		fetchers[i] = f
	}
	object, times := newObject(a.size), make([][]timing, len(addresses))
	for n, order := range turns(count, len(addresses)) {
		for _, i := range order {
			t, err := fetchers[i].fetch(key(n), a, object)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", addresses[i], err)
			}
			times[i] = append(times[i], t)
		}
	}
	return times, nil
}

// missLine tells of one server, and how much later its first bytes were than those of the origin.
func missLine(c benchCase, name string, times, origin []timing) string {
	first, last := percentiles(times, func(t timing) time.Duration { return t.first }),
		percentiles(times, func(t timing) time.Duration { return t.last })
	later, aim := "", ""
	if origin != nil {
		var all []float64
		for i, t := range times {
			all = append(all, milliseconds(t.first-origin[i].first))
		}
		median := spreadOf(all).median
		later = fmt.Sprintf("%.2f", median)
		if name == c.ours.name {
			aim = verdict(median, c.aim)
		}
	}
	return fmt.Sprintf("| %s | %s | %.2f | %.2f | %s | %s | %.2f | %.2f | %d |", c.name, name, first[0], first[1], later,
		aim, last[0], last[1], len(times))
}

// percentiles are the median and what 99 of 100 do not exceed, in milliseconds.
func percentiles(times []timing, value func(timing) time.Duration) [2]float64 {
	var all []time.Duration
	for _, t := range times {
		all = append(all, value(t))
	}
	slices.Sort(all)
	return [2]float64{milliseconds(all[len(all)/2]), milliseconds(all[(len(all)*99-1)/100])}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
