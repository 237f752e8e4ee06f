package shared

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"mirrorgate/cache"
)

// Why an ask is not answered.
var (
	errNoSecret = errors.New("this gateway has no shared.secret")
	errForged   = errors.New("the proof does not fit the request")
	errOld      = errors.New("the request was made at another time: the gateways' clocks may be more than 30s apart")
)

// Admit reads what another gateway asks. Every error means that it is not known to be one of the fleet, and must learn
// nothing.
func (f *Fleet) Admit(field func(name string) string) (cache.PeerAsk, error) {
	ask, err := f.proofs.admit(field, time.Now())
	if err != nil {
		f.refused.add(f.log, err)
		return cache.PeerAsk{}, fmt.Errorf("an internal request is refused: %w", err)
	}
	return ask, nil
}

// Refused counts the internal requests that were refused.
func (f *Fleet) Refused() int64 {
	f.refused.mu.Lock()
	defer f.refused.mu.Unlock()
	return f.refused.count
}

func (p proofs) admit(field func(name string) string, now time.Time) (cache.PeerAsk, error) {
	if !p.known() {
		return cache.PeerAsk{}, errNoSecret
	}
	s, err := parseAsk(field)
	switch {
	case err != nil:
		return cache.PeerAsk{}, err
	case !hmac.Equal(s.mac, p.ofAsk(s.ask, s.at)):
		return cache.PeerAsk{}, errForged
	case !young(s.at, now):
		return cache.PeerAsk{}, errOld
	}
	return s.ask, nil
}

// Seal returns the fields that go before the body of an answer, and prove it to who asked. An answer that says more
// than a header holds becomes one that lacks the object, without a body.
func (f *Fleet) Seal(ask cache.PeerAsk, a *cache.PeerAnswer) []cache.Field {
	raw, err := say(a)
	if err != nil {
		f.log.Warn("another gateway cannot be given an object", "site", ask.Site, "key", ask.Key, "err", err)
		if a.Body != nil {
			_ = a.Body.Close() // nobody gets it
		}
		*a = cache.PeerAnswer{Outcome: cache.PeerLacks}
		raw, _ = say(a) // fixed bytes
	}
	return f.proofs.seal(ask, raw)
}

// refusals counts what was refused, and says so now and then: anybody can cause one.
type refusals struct {
	mu     sync.Mutex
	count  int64
	quiet  time.Time // nothing is said before
	unsaid int64
}

// between is the time from one line in the log to the next.
const between = time.Minute

func (r *refusals) add(log *slog.Logger, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if now := time.Now(); now.After(r.quiet) {
		log.Warn("an internal request is refused", "err", err, "not_logged", r.unsaid)
		r.quiet, r.unsaid = now.Add(between), 0
		return
	}
	r.unsaid++
}
