package cache

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

var errGone = errors.New("every origin said 404")

// clock is set by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newTestNegatives(limit int) (*negatives, *clock) {
	c := &clock{time.Unix(1_700_000_000, 0)}
	return newNegatives(limit, c.now), c
}

func TestNegativeTTL(t *testing.T) {
	n, clock := newTestNegatives(10)
	id := ID{"assets", "a"}
	n.remember(id, "scope", &NegativeError{Status: 403, Err: errGone}, 5*time.Second)
	clock.at = clock.at.Add(5*time.Second - 1)
	got := n.find(id, "scope")
	if got == nil || got.Status != 403 || !got.Remembered || !errors.Is(got, errGone) {
		t.Fatalf("got %+v", got)
	}
	clock.at = clock.at.Add(1)
	if got := n.find(id, "scope"); got != nil {
		t.Errorf("after its time it is still there: %+v", got)
	}
}

func TestNegativeWithoutTTL(t *testing.T) {
	n, _ := newTestNegatives(10)
	for _, ttl := range []time.Duration{0, -time.Second} {
		n.remember(ID{"assets", "a"}, "", &NegativeError{Status: 404, Err: errGone}, ttl)
	}
	if len(n.answers.entries) != 0 {
		t.Errorf("remembered: %v", n.answers.entries)
	}
}

func TestNegativeIsOfOneKeySiteAndScope(t *testing.T) {
	n, _ := newTestNegatives(10)
	n.remember(ID{"assets", "a"}, "scope", &NegativeError{Status: 404, Err: errGone}, time.Minute)
	f := func(id ID, scope string, want bool) {
		t.Helper()
		if got := n.find(id, scope) != nil; got != want {
			t.Errorf("%v, %q: got %v", id, scope, got)
		}
	}
	f(ID{"assets", "a"}, "scope", true)
	f(ID{"assets", "a"}, "other", false)
	f(ID{"assets", "b"}, "scope", false)
	f(ID{"other", "a"}, "scope", false)
	n.forget(ID{"assets", "a"})
	f(ID{"assets", "a"}, "scope", false)
}

func TestNegativeBound(t *testing.T) {
	n, clock := newTestNegatives(3)
	remember := func(i int, ttl time.Duration) {
		n.remember(ID{"assets", strconv.Itoa(i)}, "", &NegativeError{Status: 404, Err: errGone}, ttl)
	}
	known := func(i int) bool { return n.find(ID{"assets", strconv.Itoa(i)}, "") != nil }
	for i := range 100 {
		remember(i, time.Minute)
		if len(n.answers.entries) > 3 {
			t.Fatalf("%d entries", len(n.answers.entries))
		}
	}
	if !known(0) || !known(1) || !known(2) || known(3) {
		t.Error("a crawler of missing keys pushed out what was known")
	}
	clock.at = clock.at.Add(time.Minute)
	remember(200, time.Minute)
	if !known(200) || len(n.answers.entries) != 1 {
		t.Errorf("what has expired keeps its place: %v", n.answers.entries)
	}
}

// A full memory is not searched for each new answer: that would cost the more the fuller it is.
func TestNegativeSweepsAtMostOnceASecond(t *testing.T) {
	n, clock := newTestNegatives(1)
	remember := func(key string, ttl time.Duration) {
		n.remember(ID{"assets", key}, "", &NegativeError{Status: 404, Err: errGone}, ttl)
	}
	remember("a", 100*time.Millisecond)
	remember("b", time.Minute) // sweeps, and finds nothing
	clock.at = clock.at.Add(500 * time.Millisecond)
	if remember("c", time.Minute); n.find(ID{"assets", "c"}, "") != nil {
		t.Error("swept twice within a second")
	}
	clock.at = clock.at.Add(500 * time.Millisecond)
	if remember("c", time.Minute); n.find(ID{"assets", "c"}, "") == nil {
		t.Error("not swept after a second")
	}
}
