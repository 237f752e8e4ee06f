package admin

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// tokens gives hashes of tokens, each of which is another.
func tokens() func() [sha256.Size]byte {
	n := 0
	return func() [sha256.Size]byte {
		n++
		return sha256.Sum256([]byte(strconv.Itoa(n)))
	}
}

// waits is how long the right token of an address would have to wait.
func (g *guard) waits(from netip.Prefix, now time.Time) time.Duration {
	return g.try(from, [sha256.Size]byte{}, true, now)
}

func TestGuardWaits(t *testing.T) {
	var g guard
	next := tokens()
	now, from, other := time.Unix(1e9, 0), guesserOf("192.0.2.1:1"), guesserOf("192.0.2.2:1")
	wrong := func(want ...time.Duration) {
		t.Helper()
		for i, wait := range want {
			if got := g.try(from, next(), false, now); got > 0 {
				t.Errorf("wrong token %d waits %s itself", i+1, got)
			}
			for range 2 { // tokens that come meanwhile do not count
				if got := g.waits(from, now); got != wait {
					t.Errorf("after wrong token %d it waits %s, want %s", i+1, got, wait)
				}
				if wait > 0 {
					g.try(from, next(), false, now)
				}
			}
			now = now.Add(wait)
			if got := g.waits(from, now); got > 0 {
				t.Errorf("after its time it waits %s more", got)
			}
		}
	}
	const s = time.Second
	wrong(0, 0, 0, 0, s, 2*s, 4*s, 8*s, 16*s, 32*s, 60*s, 60*s, 60*s, 60*s, 60*s, 60*s, 60*s)
	if got := g.waits(other, now); got > 0 {
		t.Errorf("another address waits %s", got)
	}
	now = now.Add(forgetAfter + 1)
	wrong(0, 0, 0, 0, s)
}

// What asks every few seconds with a token that was changed does not shut out who has the right one.
func TestGuardKnowsOldTokens(t *testing.T) {
	var g guard
	now, from, old := time.Unix(1e9, 0), guesserOf("192.0.2.1:1"), tokens()()
	for range 100 {
		if got := g.try(from, old, false, now); got > 0 {
			t.Fatalf("the old token waits %s", got)
		}
		if got := g.waits(from, now); got > 0 {
			t.Fatalf("the right one waits %s", got)
		}
		now = now.Add(time.Second)
	}
}

// However many addresses guess, the memory stays bounded, and those who guess on are not forgotten.
func TestGuardIsBounded(t *testing.T) {
	var g guard
	next := tokens()
	now, from := time.Unix(1e9, 0), guesserOf("192.0.2.1:1")
	for i := range 5 * maxGuessers {
		now = now.Add(time.Millisecond)
		g.try(guesserOf(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)), next(), false, now)
		if i%500 == 0 {
			g.try(from, next(), false, now)
		}
	}
	if len(g.guessers) != maxGuessers || g.waits(from, now) <= 0 {
		t.Errorf("%d addresses are remembered, %s", len(g.guessers), g.waits(from, now))
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
