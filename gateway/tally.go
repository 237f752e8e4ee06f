package gateway

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mirrorgate/rules"
)

// Counts is what has been answered by one rule of a site since the process began. Requests that no site has are under
// the site "", those that no rule is for under the rule "".
type Counts struct {
	Site, Rule string
	Answers    []Count // those that there have been, by outcome and class
}

// Count is the answers of one outcome and one class of status.
type Count struct {
	Outcome  Outcome
	Class    int // 2 for 2xx
	Requests int64
	Bytes    int64 // of their bodies, as sent
}

// Latency is how long the answers of one outcome took, as histograms: how many took at most the bound of the same
// place, and longer than the one before. The last count is of those that took longer than any.
type Latency struct {
	Outcome          Outcome
	Bounds           []float64 // seconds
	FirstByte, Total []int64   // one more than there are bounds

	FirstByteSum, TotalSum time.Duration
}

// tallies counts all that is told. They belong to the process: a site that is configured anew goes on with those of its
// name. There are as many as there have been rules.
type tallies struct {
	mu     sync.Mutex
	byName map[tallyName]*tally

	nowhere   *tally // of requests that no site has
	latencies [outcomes]latency
}

type tallyName struct{ site, rule string }

func newTallies() *tallies {
	t := &tallies{byName: make(map[tallyName]*tally)}
	t.nowhere = t.of("", "")
	return t
}

// of is the tally of a rule.
func (t *tallies) of(site, rule string) *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := tallyName{site, rule}
	if t.byName[name] == nil {
		t.byName[name] = new(tally)
	}
	return t.byName[name]
}

// ofSite are those of a site's rules, by their place, and behind them that of keys that no rule is for.
func (t *tallies) ofSite(s *Site) (all []*tally) {
	for _, r := range s.Rules.Rules() {
		all = append(all, t.of(s.Name, r.ID()))
	}
	return append(all, t.of(s.Name, ""))
}

// tally is that of a decision by the site's rules.
func (s *Site) tally(d *rules.Decision) *tally {
	if d.Rule == nil {
		return s.tallies[len(s.tallies)-1]
	}
	return s.tallies[d.Rule.Place()]
}

// add counts an answer.
func (t *tallies) add(of *tally, a *Answered) {
	c := &of[a.Outcome][a.Status/100%classes]
	c.requests.Add(1)
	c.bytes.Add(a.Bytes)
	l := &t.latencies[a.Outcome]
	if a.FirstByte == a.Total {
		l.both.add(a.Total)
		return
	}
	l.firstByte.add(a.FirstByte)
	l.total.add(a.Total)
}

// classes is one more than the highest class of a status.
const classes = 6

// tally is the counts of one rule.
type tally [outcomes][classes]counter

type counter struct{ requests, bytes atomic.Int64 }

// counts are those that are not 0.
func (t *tally) counts() (list []Count) {
	for outcome := range t {
		for class := range t[outcome] {
			c := &t[outcome][class]
			if n := c.requests.Load(); n > 0 {
				list = append(list, Count{Outcome(outcome), class, n, c.bytes.Load()})
			}
		}
	}
	return list
}

// Counts is what has been answered, by site and rule, of those that have answered anything.
func (g *Gateway) Counts() (list []Counts) {
	t := g.tallies
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, one := range t.byName {
		if answers := one.counts(); len(answers) > 0 {
			list = append(list, Counts{name.site, name.rule, answers})
		}
	}
	slices.SortFunc(list, func(a, b Counts) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Rule, b.Rule))
	})
	return list
}

// Active is how many requests are being answered.
func (g *Gateway) Active() int64 { return g.inflight.Load() }
