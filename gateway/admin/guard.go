package admin

import (
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

// guard makes those wait who have shown wrong tokens. While an address has to wait no token of it is looked at, not
// even the right one: else it could be guessed all the same. Other addresses are not affected. A network of IPv6 (/64)
// is one address: it is what one machine usually has.
type guard struct {
	mu       sync.Mutex
	guessers map[netip.Prefix]*guesser
}

type guesser struct {
	wrong int
	last  time.Time
	until time.Time // it has to wait
}

// wait returns how long an address has to wait before its token is looked at.
func (g *guard) wait(from netip.Prefix, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if known := g.guessers[from]; known != nil {
		return known.until.Sub(now)
	}
	return 0
}

// wrong counts a wrong token.
func (g *guard) wrong(from netip.Prefix, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.guessers[from]
	if known == nil || now.Sub(known.last) > forgetAfter {
		g.makeRoom()
		known = new(guesser)
		g.guessers[from] = known
	}
	known.last = now
	if known.wrong++; known.wrong >= freeGuesses {
		known.until = now.Add(min(time.Second<<min(known.wrong-freeGuesses, 10), maxWait))
	}
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
