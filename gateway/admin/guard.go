package admin

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// The bounds of guessing a token.
const (
	freeGuesses = 5           // wrong tokens of an address before it has to wait
	maxWait     = time.Minute // the wait doubles with each wrong one from a second on, up to this
	forgetAfter = 15 * time.Minute
	maxGuessers = 1024 // addresses that are remembered
)

// guard makes those wait who have shown wrong tokens. While an address has to wait no token of it counts, not even the
// right one: else it could be guessed all the same. Other addresses are not affected. A network of IPv6 (/64) is one
// address: it is what one machine usually has.
//
// A token that was wrong before is no guess: a script that still has an old one shuts nobody out.
type guard struct {
	mu       sync.Mutex
	guessers map[netip.Prefix]*guesser
}

type guesser struct {
	wrong int
	shown [sha256.Size]byte // the hash of the last wrong token
	last  time.Time
	until time.Time // it has to wait
}

// try takes in a token of an address, by its hash, and whether it is right. It returns how long the address has to wait
// instead: a wait above 0 says nothing of the token. One step: many tokens at one time are no way round it.
func (g *guard) try(from netip.Prefix, token [sha256.Size]byte, right bool, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.guessers[from]
	switch {
	case known != nil && known.until.After(now):
		known.last = now
		return known.until.Sub(now)
	case right, known != nil && known.shown == token:
		return 0
	case known == nil || now.Sub(known.last) > forgetAfter:
		g.makeRoom()
		known = new(guesser)
		g.guessers[from] = known
	}
	known.last, known.shown = now, token
	if known.wrong++; known.wrong >= freeGuesses {
		known.until = now.Add(min(time.Second<<min(known.wrong-freeGuesses, 10), maxWait))
	}
	return 0
}

// makeRoom forgets the address that has been quiet for the longest time when there are too many.
func (g *guard) makeRoom() {
	if g.guessers == nil {
		g.guessers = make(map[netip.Prefix]*guesser)
	}
	if len(g.guessers) < maxGuessers {
		return
	}
	var quietest netip.Prefix
	for from, known := range g.guessers {
		if was := g.guessers[quietest]; was == nil || known.last.Before(was.last) {
			quietest = from
		}
	}
	delete(g.guessers, quietest)
}

// guesserOf is whom a remote address stands for.
func guesserOf(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{} // all that have none are one
	}
	ip, bits := at.Addr().Unmap().WithZone(""), 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // the length fits
	return p
}
