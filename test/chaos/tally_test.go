package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// most is how many problems are told.
const most = 20

// tally is what has been asked and seen. Its methods may be called from several goroutines.
type tally struct {
	mu       sync.Mutex
	objects  int // the highest number that was asked for, and one
	requests int
	kinds    map[string]int
	ends     map[end]int
	statuses map[int]int // of refusals
	spoilt   int         // refusals and cuts of objects without a fault
	compared int         // bodies with a clean end
	bytes    int64       // of bodies, all compared
	slowest  time.Duration
	problems []string
}

func newTally() *tally {
	return &tally{kinds: map[string]int{}, ends: map[end]int{}, statuses: map[int]int{}}
}

// sees counts the objects.
func (t *tally) sees(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects = max(t.objects, n+1)
}

func (t *tally) leaves(a *ask) { t.add(a, answer{}, endLeft, 0) }

func (t *tally) add(a *ask, got answer, e end, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	t.kinds[a.kind]++
	t.ends[e]++
	t.slowest = max(t.slowest, took)
	switch e {
	case endWhole, endPart:
		t.compared++
		t.bytes += int64(len(got.Body))
	case endCut, endLeft:
		t.bytes += int64(len(got.Body))
	case endRefused:
		t.statuses[got.Status]++
	}
	if (e == endRefused || e == endCut) && a.sound() {
		t.spoilt++
	}
}

func (t *tally) problem(a *ask, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.problems = append(t.problems, fmt.Sprintf("%s: %v; the fault: %s", a, err, a.Does)); len(t.problems) > most {
		t.problems[most] = "and more"
		t.problems = t.problems[:most+1]
	}
}

// String is the figures.
func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests for %d objects, the slowest answer took %v\n", t.requests, t.objects,
		t.slowest.Round(time.Millisecond))
	fmt.Fprintf(&b, "%d bodies with a clean end and all of %d bytes compared\n", t.compared, t.bytes)
	fmt.Fprintf(&b, "%d refusals and cuts of objects without a fault\n", t.spoilt)
	for _, e := range slices.Sorted(maps.Keys(t.ends)) {
		fmt.Fprintf(&b, "  %s: %d\n", e, t.ends[e])
	}
	for _, status := range slices.Sorted(maps.Keys(t.statuses)) {
		fmt.Fprintf(&b, "  refused with %d: %d\n", status, t.statuses[status])
	}
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		fmt.Fprintf(&b, "  asked for %s: %d\n", kind, t.kinds[kind])
	}
	return b.String()
}
