package admin

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestGuardWaits(t *testing.T) {
	var g guard
	now, from, other := time.Unix(1e9, 0), guesserOf("192.0.2.1:1"), guesserOf("192.0.2.2:1")
	wrong := func(want ...time.Duration) {
		t.Helper()
		for i, wait := range want {
			g.wrong(from, now)
			if got := max(g.wait(from, now), 0); got != wait {
				t.Errorf("after wrong token %d it waits %s, want %s", i+1, got, wait)
			}
			now = now.Add(wait)
			if got := g.wait(from, now); got > 0 {
				t.Errorf("after its time it waits %s more", got)
			}
		}
	}
	const s = time.Second
	wrong(0, 0, 0, 0, s, 2*s, 4*s, 8*s, 16*s, 32*s, 60*s, 60*s, 60*s, 60*s, 60*s, 60*s, 60*s)
	if got := g.wait(other, now); got > 0 {
		t.Errorf("another address waits %s", got)
	}
	now = now.Add(forgetAfter + 1)
	wrong(0, 0, 0, 0, s)
}

// However many addresses guess, the memory stays bounded, and those who guess on are not forgotten.
func TestGuardIsBounded(t *testing.T) {
	var g guard
	now, from := time.Unix(1e9, 0), guesserOf("192.0.2.1:1")
	for i := range 5 * maxGuessers {
		now = now.Add(time.Millisecond)
		g.wrong(guesserOf(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)), now)
		if i%500 == 0 {
			g.wrong(from, now)
		}
	}
	if len(g.guessers) != maxGuessers || g.wait(from, now) <= 0 {
		t.Errorf("%d addresses are remembered, %s", len(g.guessers), g.wait(from, now))
	}
}

func TestGuessers(t *testing.T) {
	f := func(a, b string, same bool) {
		t.Helper()
		if guesserOf(a) == guesserOf(b) != same {
			t.Errorf("%s and %s are one: %v", a, b, !same)
		}
	}
	f("192.0.2.1:1", "192.0.2.1:2", true)
	f("192.0.2.1:1", "[::ffff:192.0.2.1]:1", true)
	f("192.0.2.1:1", "192.0.2.2:1", false)
	f("[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true)
	f("[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false)
	f("[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true)
	f("nonsense", "@", true)
	if guesserOf("nonsense") != (netip.Prefix{}) {
		t.Error("what is no address has one")
	}
}
