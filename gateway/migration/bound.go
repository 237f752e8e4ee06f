package migration

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The bounds of all rules together. With them the Ledger has at most some 10 MiB for what was counted, and some 10 MiB
// for keys.
const (
	maxRules      = 50_000 // that had traffic once
	maxPoints     = 1 << 16
	maxCounters   = 1 << 14 // of all sketches
	mostCounters  = 256     // of one
	leastCounters = 4
)

// bound keeps to them. The caller holds mu.
func (l *Ledger) bound(now time.Time) {
	if len(l.rules) > maxRules {
		for _, id := range l.byActivity()[maxRules:] {
			delete(l.rules, id)
		}
	}
	l.boundPoints(now)
	l.boundCounters()
}

// byActivity lists the rules, those that had traffic last first.
func (l *Ledger) byActivity() []ID {
	ids := slices.Collect(maps.Keys(l.rules))
	slices.SortFunc(ids, func(a, b ID) int {
		return cmp.Or(cmp.Compare(l.rules[b].counted.active(), l.rules[a].counted.active()),
			cmp.Compare(a.Site, b.Site), cmp.Compare(a.Rule, b.Rule))
	})
	return ids
}

// boundPoints shortens all histories until they are few enough, and lets them grow again when they are much fewer.
func (l *Ledger) boundPoints(now time.Time) {
	points := 0
	for _, r := range l.rules {
		points += r.counted.points()
	}
	if l.horizon.level > 0 || points > maxPoints {
		points = l.shorten(now)
	}
	for ; points > maxPoints && l.horizon.level < len(reaches())-1; points = l.shorten(now) {
		l.horizon.level++
	}
	if points < maxPoints/8 {
		l.horizon.level = max(0, l.horizon.level-1)
	}
}

// shorten drops what is older than histories reach, and says how many points are left.
func (l *Ledger) shorten(now time.Time) (points int) {
	l.horizon.draw(now)
	for _, r := range l.rules {
		r.counted.shorten(&l.horizon, now)
		points += r.counted.points()
	}
	return points
}

// boundCounters gives each rule that needs its origin its share. When there are too many of them, those that have not
// needed it for longest go without.
func (l *Ledger) boundCounters() {
	demanding := slices.DeleteFunc(slices.Collect(maps.Values(l.rules)), func(r *rule) bool { return r.demand == nil })
	const most = maxCounters / (2 * leastCounters)
	if len(demanding) > most {
		slices.SortFunc(demanding, func(a, b *rule) int { return b.demanded().Compare(a.demanded()) })
	}
	l.counters = min(mostCounters, max(leastCounters, maxCounters/(2*max(1, len(demanding)))))
	for i, r := range demanding {
		if i >= most || len(r.demand.keys.least) == 0 {
			r.demand = nil
			continue
		}
		r.demand.resize(l.counters)
	}
}

// demanded is when a request last needed the origin, or would have.
func (r *rule) demanded() time.Time { return latest(r.needed.At, latest(r.retired.At, r.failed.At)) }
