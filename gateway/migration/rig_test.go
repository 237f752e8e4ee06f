package migration_test

import (
	"bytes"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"mirrorgate/gateway/migration"
)

// counters are those of a process, which begin at 0.
type counters map[migration.ID]migration.Numbers

// rig is a Ledger whose clock and counters the test moves.
type rig struct {
	*migration.Ledger
	dir string
	log *bytes.Buffer

	mu     sync.Mutex // guards what Run of the Ledger looks at, too
	now    time.Time
	counts counters
}

// begin is when the tests begin to count: on a Wednesday, some minutes past an hour.
func begin() time.Time { return time.Date(2026, 7, 1, 10, 7, 12, 0, time.UTC) }

func open(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), log: &bytes.Buffer{}, now: begin()}
	r.reopen()
	return r
}

// reopen is a new process on the same directory.
func (r *rig) reopen() {
	r.counts = make(counters)
	r.Ledger = migration.Open(migration.Options{
		Dir: r.dir, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Now: func() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.now },
		Counts: func() (list []migration.Count) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for id, n := range maps.All(r.counts) {
				list = append(list, migration.Count{ID: id, Numbers: n})
			}
			return list
		},
	})
}

// wait lets time pass, with a look at the books now and then, as Run has.
func (r *rig) wait(d time.Duration) {
	const look = time.Minute
	for ; d > look; d -= look {
		r.set(r.now.Add(look))
		r.Tick()
	}
	r.set(r.now.Add(d))
	r.Tick()
}

func (r *rig) set(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = now
}

// images is the rule that most tests count for.
func images() migration.ID { return migration.ID{Site: "site", Rule: "images"} }

// answer counts a request for a rule, which a field tells more of, and 100 bytes.
func (r *rig) answer(id migration.ID, as ...migration.Field) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.counts[id]
	n[migration.Requests]++
	n[migration.Bytes] += 100
	for _, f := range as {
		n[f]++
	}
	r.counts[id] = n
}

// need counts a request that an origin answered.
func (r *rig) need(id migration.ID, key string) {
	r.answer(id, migration.Needed)
	r.Note(migration.Event{ID: id, Kind: migration.NeededIt, Key: key})
}

// span is what the books say of a rule.
func (r *rig) span(id migration.ID, name string) migration.Span {
	b := r.Show()
	for _, s := range b.Rule(id).Spans {
		if s.Name == name {
			return s
		}
	}
	panic("there is no span " + name)
}

// sentence is that of a rule alone.
func (r *rig) sentence(ids ...migration.ID) string {
	b := r.Show()
	s := b.Situation(ids)
	return s.Sentence()
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
