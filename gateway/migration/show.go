package migration

import (
	"maps"
	"time"
)

// Book is all that is known, at one moment.
type Book struct {
	Now, Since  time.Time
	Rules       map[ID]Rule // that had traffic
	Inventories map[string]Inventory
}

// Rule is what is known of a rule.
type Rule struct {
	Spans           []Span // hour, day, week, all
	Needed, Retired Mark
	Failed          Mark
	Why             string // Failed
	Keys, Folders   []Hitter
	NotKept         map[string]int64
}

// Show returns all that is known.
func (l *Ledger) Show() Book {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.count(now)
	b := Book{
		Now: now, Since: earliest(l.since, now),
		Rules: make(map[ID]Rule, len(l.rules)), Inventories: make(map[string]Inventory, len(l.inventories)),
	}
	for id, r := range l.rules {
		b.Rules[id] = r.show(&l.horizon, b.Since, now)
	}
	for site, i := range l.inventories {
		b.Inventories[site] = *i
	}
	return b
}

func (r *rule) show(h *horizon, since, now time.Time) Rule {
	shown := Rule{
		Spans:  r.counted.spans(h, since, now),
		Needed: r.needed.show(now), Retired: r.retired.show(now), Failed: r.failed.show(now), Why: printable(r.why),
		NotKept: maps.Clone(r.notKept),
	}
	if r.demand != nil {
		shown.Keys, shown.Folders = r.demand.topKeys(now), r.demand.topFolders(now)
	}
	return shown
}

func (m Mark) show(now time.Time) Mark {
	if m.At.IsZero() {
		return m
	}
	return Mark{earliest(m.At, now), printable(m.Key)}
}

// Rule returns a rule's part, with zeros if it had no traffic.
func (b *Book) Rule(id ID) Rule {
	if r, ok := b.Rules[id]; ok {
		return r
	}
	var empty rule
	return empty.show(&horizon{}, b.Since, b.Now)
}

// Point is what was counted in a step of time.
type Point struct {
	At time.Time // its beginning
	Numbers
}

// History is how the rules that are chosen did together, a point for each step that is known, the current one last.
func (l *Ledger) History(step Step, choose func(ID) bool) []Point {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.count(now)
	first, last := l.horizon.last(step, l.horizon.reach()[step], now)
	first = min(last, max(first, step.at(l.since)))
	points := make([]Point, last-first+1)
	for i := range points {
		points[i].At = step.begin(first + int64(i))
	}
	for id, r := range l.rules {
		if choose(id) {
			for _, p := range r.counted.steps[step].within(first, last) {
				points[p.at-first].add(&p.Numbers)
			}
		}
	}
	return points
}
