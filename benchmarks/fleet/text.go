package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// What is counted for.
func counted() (fleets []fleet, l limits) {
	for _, gateways := range []int{3, 10, 30, 100, 300, 1000} {
		fleets = append(fleets, fleet{Gateways: gateways, Keys: 1e9, Askers: 1, Pull: time.Second, Spool: time.Second})
	}
	return fleets, limits{Core: 1, Network: 1.25e9, Memory: 4 << 30}
}

const introduction = `## Many gateways

What gateways that work as one cost their Redis. A hit asks nothing of it. A miss asks for the lease, and tells once
when the object is committed to the spool (lease and intent), and twice when it is in the bucket. A gateway that asks
for a key which another one pulls asks once. All gateways are told what was saved: at once when nothing was for a while,
else together with what follows within 4 ms times the number of gateways, up to 128 keys in a message. Members say
every 2 s that they are there, and look now and then who else is, and for what others have left behind.

Measured with gateways' own code (cache/shared) and a Redis of its own, which writes an AOF: CPU of its main thread as
it accounts for it itself, 32 keys under way at one time, keys of about 40 bytes. Microseconds: median (least to most)
of the turns. What members cost anyway is taken off what else is measured with them. A save alone finds a Redis that is
waiting, one of many a Redis that is at it: part of the difference is that.

`

// tables are the part of the README.
func tables(m measured, o options) string {
	var b strings.Builder
	b.WriteString(introduction)
	form := ""
	if o.short {
		form = ", in its short form"
	}
	fmt.Fprintf(&b, "- command: `make bench-fleet`%s, %s\n- machine: %s, %d cores, %s/%s; load %s after it\n"+
		"- versions: mirrorgate %s, %s, redis %s\n\n", form, time.Now().UTC().Format(time.DateOnly), processor(),
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, loadAverage(), commit(), runtime.Version(), m.redis)
	askTable(&b, m)
	memoryTable(&b, m)
	memberTable(&b, m)
	fleetTable(&b, m)
	return b.String()
}

func askTable(b *strings.Builder, m measured) {
	b.WriteString("| what is asked | CPU us | a core can | bytes in | bytes out |\n|---|---|---|---|---|\n")
	row := func(name, cpu string, c cost) {
		fmt.Fprintf(b, "| %s | %s | %s/s | %.0f | %.0f |\n", name, cpu, short(1e6/c.CPU), c.In, c.Out)
	}
	for _, r := range m.rows() {
		row(r.name, m.spread[r.name].String(), *r.cost)
	}
	for i, p := range m.Save {
		save := func(form string, c cost) {
			row(fmt.Sprintf("save, %s, told to %.0f", form, p.gateways), fmt.Sprintf("%.1f", c.CPU), c)
		}
		save("alone", p.cost)
		save("one of many", m.Filled[i].cost)
	}
}

func memoryTable(b *strings.Builder, m measured) {
	b.WriteString("\n| what is noted | bytes of memory | until |\n|---|---|---|\n")
	fmt.Fprintf(b, "| lease of a key | %.0f | the pull has failed, or 60 s after the object is in the bucket |\n", m.Lease)
	fmt.Fprintf(b, "| intent | %.0f | the object is in the bucket |\n", m.Intent)
	fmt.Fprintf(b, "| an absent object | %.0f | `negative_ttl` |\n", m.Negative)
	fmt.Fprintf(b, "| a gateway, with its connections | %.0f | it is gone |\n", m.Member)
}

func memberTable(b *strings.Builder, m measured) {
	b.WriteString("\nWhile nothing is pulled:\n\n| gateways | of a core | KB/s in | KB/s out |\n|---|---|---|---|\n")
	for _, p := range m.Standing {
		fmt.Fprintf(b, "| %.0f | %.2f %% | %.1f | %.1f |\n", p.gateways, p.cost.CPU/1e4, p.cost.In/1e3, p.cost.Out/1e3)
	}
}

func fleetTable(b *strings.Builder, m measured) {
	fleets, l := counted()
	fmt.Fprintf(b, `
Counted from that, for 10^9 keys to be pulled, each of which takes a second to pull, waits a second in the spool, and
is asked for at one other gateway meanwhile; for a Redis with %.0f core, %.2f GB/s of network each way, and %.0f GiB of
memory. What is used up first says how many misses a second all gateways together may have. "Telling" is what of the
network tells all gateways what was saved, and "messages" how many there are of that which are not full.

`, l.Core, l.Network/1e9, l.Memory/(1<<30))
	b.WriteString("| gateways | asks by miss | CPU us by miss | misses/s | used up first | of a gateway | " +
		"messages | telling MB/s | memory MiB | all keys after |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range fleets {
		r := count(m.costs, f, l)
		fmt.Fprintf(b, "| %d | %.1f | %.0f | %s | %s | %s/s | %.0f/s | %.1f | %.0f | %s |\n",
			f.Gateways, r.RoundTrips, r.Miss.CPU, short(r.Misses), r.First, short(r.Misses/float64(f.Gateways)),
			r.News, r.FanOut/1e6, r.Memory/(1<<20), days(r.All))
	}
	waiting := m.Lease + m.Intent
	fmt.Fprintf(b, `
Memory does not depend on how many keys there are, but on how many are on their way: of a key that is in the bucket
for a minute nothing is left. While the bucket takes no writes, each object that waits for it holds %.0f bytes: %s GiB
of memory hold %s of them, and 10^9 would want %.0f GiB. When it is full, Redis refuses what is written to it, and each
gateway works on its own until it is not.
`, waiting, figure(l.Memory/(1<<30)), short(l.Memory/waiting), 1e9*waiting/(1<<30))
}

// short is a number of things, with as many digits as say something.
func short(n float64) string {
	switch {
	case n >= 1e6:
		return figure(n/1e6) + "M"
	case n >= 1e4:
		return figure(n/1e3) + "k"
	}
	return figure(n)
}

func figure(n float64) string {
	if n < 10 {
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.0f", n)
}

func days(d time.Duration) string {
	if d < 48*time.Hour {
		return figure(d.Hours()) + " h"
	}
	return figure(d.Hours()/24) + " days"
}
