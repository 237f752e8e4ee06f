package migration

import (
	"slices"
	"time"
)

// reach is how many minutes, hours and days a rule's history has at most.
type reach [steps]int

// reaches are the lengths of histories, from what is wanted to what is left when there are very many rules.
func reaches() []reach {
	return []reach{
		{120, 14 * 24, 366},
		{60, 7 * 24, 366},
		{60, 7 * 24, 60},
		{60, 24, 7},
		{12, 24, 7},
		{5, 6, 7},
		{1, 1, 1},
	}
}

// horizon says how far back the histories of all rules go.
type horizon struct {
	level int          // of reaches
	first [steps]int64 // the steps before were dropped, of some rule at least
}

func (h *horizon) reach() reach { return reaches()[h.level] }

// draw drops the steps before those that histories reach now.
func (h *horizon) draw(now time.Time) {
	for step := range steps {
		h.first[step] = max(h.first[step], step.at(now)-int64(h.reach()[step])+1)
	}
}

// last is the last so many steps of which all is known, the one that is going on included.
func (h *horizon) last(step Step, count int, now time.Time) (first, last int64) {
	last = step.at(now)
	return min(last, max(h.first[step], last-int64(min(count, h.reach()[step]))+1)), last
}

// timeline is what was counted of something, over time.
type timeline struct {
	total Numbers
	steps [steps]series
}

func (t *timeline) add(now time.Time, n *Numbers, r reach) {
	t.total.add(n)
	for step := range steps {
		at := step.at(now)
		t.steps[step] = t.steps[step].add(at, n).trim(at, r[step])
	}
}

func (t *timeline) points() (n int) {
	for _, s := range t.steps {
		n += len(s)
	}
	return n
}

// shorten drops what lies before the horizon, and what a clock that was wrong has put behind now.
func (t *timeline) shorten(h *horizon, now time.Time) {
	for step := range steps {
		t.steps[step] = slices.Clone(t.steps[step].within(h.first[step], step.at(now)))
	}
}

// active is the last day on which something was counted.
func (t *timeline) active() int64 {
	days := t.steps[Day]
	if len(days) == 0 {
		return 0
	}
	return days[len(days)-1].at
}

// Span is what was counted in a span of time that ends now.
type Span struct {
	Name string // hour, day, week or all
	From time.Time
	Numbers
}

// spans are sums of the steps: the last 60 minutes, 24 hours and 7 days, of which the current one is still going on. A
// history that is shorter than that gives what it has.
func (t *timeline) spans(h *horizon, since, now time.Time) []Span {
	of := func(name string, step Step, count int) Span {
		first, last := h.last(step, count, now)
		return Span{name, latest(since, step.begin(first)), t.steps[step].sum(first, last)}
	}
	return []Span{of("hour", Minute, 60), of("day", Hour, 24), of("week", Day, 7), {"all", since, t.total}}
}

// latest is the later of two times.
func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// earliest is the earlier of two times.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
