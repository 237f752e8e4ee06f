package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// lostWithin is how long after its gateway's end an object is in the bucket.
const lostWithin = 30 * time.Second

// TestLostGateways: what only the spools of gateways have that are killed for good is pulled again by the others, without
// anybody asking for it. Until then others answer from those spools.
func TestLostGateways(t *testing.T) {
	t.Parallel()
	f := newStage(t, harness.StartRedis(t).URL).start(t, settings{members: members})
	f.lost(t, 2)
}

// lost kills the first gateways, each with some objects that nobody else has.
func (f *fleet) lost(t *testing.T, gateways int) {
	t.Helper()
	var keys []string
	for n, m := range f.members[:gateways] {
		m.pause(t)
		mine := small(fmt.Sprintf("lost/%d", n), formOf().lost)
		for _, key := range mine {
			wantRight(t, key, f.get(t, n, key, f.body(key)), f.body(key))
		}
		keys = append(keys, mine...)
	}
	f.fromSpools(t, keys)
	began := time.Now()
	for _, m := range f.members[:gateways] {
		m.Kill()
	}
	f.waitSaved(t, keys...)
	took := time.Since(began)
	t.Logf("%d objects of %d killed gateways are in the bucket after %v", len(keys), gateways, took.Round(time.Millisecond))
	if took > lostWithin {
		t.Errorf("that took longer than %v", lostWithin)
	}
	if pulls := f.pulls(keys...); pulls != 2*len(keys) {
		t.Errorf("%d objects cost %d pulls, two for each are due", len(keys), pulls)
	}
}

// fromSpools asks the last gateway for what waits in the spools of others.
func (f *fleet) fromSpools(t *testing.T, keys []string) {
	t.Helper()
	for _, key := range keys {
		wantRight(t, key+" from another's spool", f.get(t, len(f.members)-1, key, f.body(key)), f.body(key))
		if f.has(t, key) {
			t.Fatalf("%s is in the bucket already", key)
		}
	}
	if pulls := f.pulls(keys...); pulls != len(keys) {
		t.Errorf("%d objects in others' spools cost %d pulls", len(keys), pulls)
	}
}

// TestTakeover: a client that asks for an object which only a killed gateway had gets it, and does not wait for others to
// notice.
func TestTakeover(t *testing.T) {
	t.Parallel()
	f := newStage(t, harness.StartRedis(t).URL).start(t, settings{members: few})
	key := sized("takeover", "1MiB")
	f.members[0].pause(t)
	wantRight(t, "of the first", f.get(t, 0, key, f.body(key)), f.body(key))
	f.members[0].Kill()
	a := f.get(t, 1, key, f.body(key))
	wantRight(t, "of another", a, f.body(key))
	const soon = 5 * time.Second
	if a.took > soon {
		t.Errorf("another gateway took %v, at most %v are due", a.took, soon)
	}
	f.waitSaved(t, key)
	if pulls := f.pulls(key); pulls != 2 {
		t.Errorf("the origin was asked %d times", pulls)
	}
}
