package migration

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// Options is what a Ledger stands on.
type Options struct {
	Dir string // of its file: data_dir
	// Counts gives the counters since the start of the process, but for Saved and SavedBytes. What was counted before
	// an event must be in them when the event has been noted.
	Counts func() []Count
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger
}

// Count is the counters of a rule.
type Count struct {
	ID
	Numbers
}

// Ledger keeps the books. Its methods may be called from several goroutines.
type Ledger struct {
	o    Options
	path string

	mu          sync.Mutex
	since       time.Time // when counting began
	ticked      time.Time // the last time that the clock was looked at; zero: not yet
	fading      time.Duration
	rules       map[ID]*rule
	inventories map[string]*Inventory // by site
	seen        map[ID]Numbers        // the counters, when they were last looked at
	horizon     horizon
	counters    int // of each sketch, at most

	saving sync.Mutex // one at a time
	failed bool       // the last time; it is said once
	left   int        // rules that had no room the last time; said when it changes
}

// Open returns the Ledger whose file is in a directory. It goes on from what that holds, if it can be read, and never
// fails: what is wrong is in the log.
func Open(o Options) *Ledger {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Ledger{
		o: o, path: filepath.Join(o.Dir, "migration"),
		rules: make(map[ID]*rule), inventories: make(map[string]*Inventory), seen: make(map[ID]Numbers),
		counters: mostCounters,
	}
	l.since = o.Now()
	l.load()
	return l
}

// How often the counters are looked at, and how often the file is written.
const (
	countEvery = 10 * time.Second
	saveEvery  = 6 // times that
)

// Run counts until ctx ends. Save is to be called when nothing is counted any more.
func (l *Ledger) Run(ctx context.Context) {
	ticker := time.NewTicker(countEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.tick()
		if n%saveEvery == 0 {
			l.Save()
		}
	}
}

// tick brings the books up to now.
func (l *Ledger) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.count(now)
	l.fade()
	l.bound(now)
}

// of returns a rule, a new one if there is none. The caller holds mu.
func (l *Ledger) of(id ID) *rule {
	r := l.rules[id]
	if r == nil {
		r = &rule{notKept: make(map[string]int64)}
		l.rules[id] = r
	}
	return r
}

// count takes in what was counted since the last time. The caller holds mu.
func (l *Ledger) count(now time.Time) {
	for _, c := range l.o.Counts() {
		diff := c.Numbers.since(l.seen[c.ID])
		if diff != (Numbers{}) {
			l.seen[c.ID] = c.Numbers
			l.of(c.ID).counted.add(now, &diff, l.horizon.reach())
		}
	}
}

// Note takes in an answer of which the key matters.
func (l *Ledger) Note(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.of(e.ID)
	if r.demand == nil {
		r.demand = newDemand(l.counters)
	}
	r.note(e, l.now())
}

// Saved takes in an object that has come into the bucket and was not there before.
func (l *Ledger) Saved(id ID, bytes int64) {
	n := Numbers{Saved: 1, SavedBytes: bytes}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(id).counted.add(l.now(), &n, l.horizon.reach())
	if i := l.inventories[id.Site]; i != nil {
		i.saved.add(&n)
	}
}
