package shared

import (
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// TestPace: a Redis that comes and goes is looked after less often, and once a second again when it has calmed down.
func TestPace(t *testing.T) {
	now := time.Now()
	p := rhythm{wait: probing}
	want := func(wait time.Duration) {
		t.Helper()
		if p.wait != wait {
			t.Errorf("it waits %v, want %v", p.wait, wait)
		}
	}
	for _, wait := range []time.Duration{2 * probing, 4 * probing, flaps, flaps} {
		p.isBack(now)
		want(wait)
		now = now.Add(calm / 2)
		p.isThere(now)
		want(wait)
	}
	p.isThere(now.Add(calm))
	want(probing)
}

// TestPassword: a server that wants a password gets it, and one that gets none is away.
func TestPassword(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	server.Do(t, "config", "set", "requirepass", "sesame")
	newFleet(t, "redis://:sesame@"+server.Addr).run().claims(image(1), nil, "lease")
	without := newFleet(t, server.URL).idle()
	for range tripped {
		without.claims(image(2), nil, "nothing")
	}
	if without.log.count("redis is away") != 1 || without.log.count("NOAUTH") != 1 {
		t.Error("the log does not say why Redis does not answer")
	}
}
