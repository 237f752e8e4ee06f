package cache

import (
	"testing"
	"time"
)

func TestRemembered(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := newRemembered[string](2, func() time.Time { return now })
	a, b, c := ID{"s", "a"}, ID{"s", "b"}, ID{"s", "c"}
	put := func(id ID, value string, ttl time.Duration, want bool) {
		t.Helper()
		if got := r.put(id, value, ttl); got != want {
			t.Errorf("%v: kept %v", id, got)
		}
	}
	has := func(id ID, want string) {
		t.Helper()
		if got, ok := r.find(id); got != want || ok != (want != "") {
			t.Errorf("%v: found %q, %v", id, got, ok)
		}
	}
	put(a, "nothing", 0, false)
	put(a, "nothing", -1, false)
	has(a, "")
	put(a, "one", time.Second, true)
	put(b, "two", time.Minute, true)
	put(c, "three", time.Minute, false) // full
	put(a, "four", time.Second, true)   // its place is its own
	has(a, "four")
	has(c, "")
	now = now.Add(time.Second - 1)
	has(a, "four")
	now = now.Add(1)
	has(a, "")
	put(c, "three", time.Minute, true) // what has expired makes room
	has(b, "two")
	has(c, "three")
	r.forget(b)
	has(b, "")
	put(a, "again", time.Minute, true)
	if len(r.entries) != 2 {
		t.Errorf("%d entries", len(r.entries))
	}
}

// The sweep looks at every entry: a crawler of missing keys does not cause one each time.
func TestRememberedSweepsSeldom(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := newRemembered[int](1, func() time.Time { return now })
	r.put(ID{"s", "a"}, 1, 10*time.Millisecond)
	if r.put(ID{"s", "b"}, 2, time.Minute) {
		t.Error("more is kept than the bound")
	}
	now = now.Add(20 * time.Millisecond)
	if r.put(ID{"s", "b"}, 2, time.Minute) {
		t.Error("two sweeps within a second")
	}
	now = now.Add(time.Second)
	if !r.put(ID{"s", "b"}, 2, time.Minute) {
		t.Error("what has expired keeps its place")
	}
}
