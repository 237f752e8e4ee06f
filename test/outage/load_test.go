package outage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// load is what clients asked for in a while, and got.
type load struct {
	mu           sync.Mutex
	keys         []string // answered
	misses, hits []answer
}

// load asks for new objects at the form's rate, and each time also for one that was answered before.
func (r *rig) load(t *testing.T, phase string, rate int, d time.Duration) *load {
	t.Helper()
	l := new(load)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	for n := 0; ctx.Err() == nil; n++ {
		running.Go(func() {
			l.note(&l.misses, r.ask(t.Context(), keyOf(small, fmt.Sprintf("%s-%04d", phase, n))))
			if key := l.any(); key != "" {
				l.note(&l.hits, r.ask(t.Context(), key))
			}
		})
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return l
}

// note adds an answer to a list, and the key of a miss to those that were answered.
func (l *load) note(list *[]answer, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, a)
	if list == &l.misses && a.err == nil {
		l.keys = append(l.keys, a.key)
	}
}

func (l *load) any() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keys) == 0 {
		return ""
	}
	return l.keys[rand.IntN(len(l.keys))]
}

// wantRight fails the test unless every answer is right and says one of these things.
func (l *load) wantRight(t *testing.T, hits ...string) {
	t.Helper()
	check := func(what string, answers []answer, say []string) {
		for _, a := range answers {
			if a.err != nil {
				t.Errorf("a %s: %v", what, a.err)
			} else if !slices.Contains(say, a.said) {
				t.Errorf("a %s: %s says %q, not one of %q", what, a.key, a.said, say)
			}
		}
	}
	check("miss", l.misses, []string{stored})
	check("hit", l.hits, hits)
	if len(l.misses) == 0 || len(l.hits) == 0 {
		t.Error("nothing was asked for")
	}
}

// part is how long all but so many of a hundred misses took at most.
func (l *load) part(percent int) time.Duration {
	var took []time.Duration
	for _, a := range l.misses {
		took = append(took, a.took)
	}
	slices.Sort(took)
	return took[(len(took)-1)*percent/100]
}

// Misses may take longer during an outage by a factor, and by what a busy machine does to many and to few of them.
const (
	slower    = 3
	ofMany    = 30 * time.Millisecond
	ofFew     = 250 * time.Millisecond
	manyOfAll = 50 // of a hundred
	allButFew = 90
)

// wantAsFast fails the test if misses took longer than before.
func (l *load) wantAsFast(t *testing.T, before *load) {
	t.Helper()
	for percent, noise := range map[int]time.Duration{manyOfAll: ofMany, allButFew: ofFew} {
		is, was := l.part(percent), before.part(percent)
		t.Logf("%d of 100 misses within %v, before the outage %v", percent, is, was)
		if is > slower*was+noise {
			t.Errorf("%d of 100 misses took up to %v, before the outage %v", percent, is, was)
		}
	}
}
