package crash_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// most is how many problems are told.
const most = 20

// tally has figures and problems. Its methods may be called from several goroutines.
type tally struct {
	mu       sync.Mutex
	figures  map[string]int
	kills    map[string]int
	problems []string
}

func newTally() *tally { return &tally{figures: map[string]int{}, kills: map[string]int{}} }

func (t *tally) count(what string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.figures[what] += n
}

func (t *tally) kill(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kills[kind]++
}

func (t *tally) problem(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problems = append(t.problems, err.Error())
}

// failed tells whether there are problems.
func (t *tally) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.problems) > 0
}

func (t *tally) of(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.figures[what]
}

// report tells everything, and fails the test if there are problems.
func (t *tally) report(test *testing.T) {
	test.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(t.figures)) {
		fmt.Fprintf(&b, "%7d %s\n", t.figures[what], what)
	}
	for _, kind := range slices.Sorted(maps.Keys(t.kills)) {
		fmt.Fprintf(&b, "%7d kills: %s\n", t.kills[kind], kind)
	}
	test.Logf("figures:\n%s", &b)
	for n, problem := range t.problems {
		if n == most {
			test.Errorf("and %d more", len(t.problems)-most)
			break
		}
		test.Error(problem)
	}
}
