package shared

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"mirrorgate/cache"
)

const (
	horizon = time.Minute // nothing is taken that comes in later: an origin's clients do not wait so long

	pollAtLeast = 20 * time.Millisecond // between two looks for a free place
	pollAtMost  = 100 * time.Millisecond
)

// Budget is how much all gateways together may ask of one origin: rates, and places for pulls. While Redis is away, or
// holds something else, a gateway takes its part of each: one Nth, with N the gateways seen last, but at least one
// place. All methods may be called concurrently.
type Budget struct {
	fleet *Fleet
	name  string // of its notes, but for what they are about

	mu    sync.Mutex
	parts map[string]*part // by what they are of
}

// Budget returns what gateways may ask of the origin of a rule.
func (f *Fleet) Budget(site, rule string) *Budget {
	return &Budget{fleet: f, name: f.names.budget(cache.ID{Site: site, Key: rule}), parts: make(map[string]*part)}
}

// part is what this gateway has taken of one limit.
type part struct {
	line chan struct{} // holds one while somebody waits for a place: the others wait for him

	mu  sync.Mutex
	due time.Time // when all has come in that was taken without Redis
}

func (b *Budget) part(what string) *part {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parts[what]
	if p == nil {
		p = &part{line: make(chan struct{}, 1)}
		b.parts[what] = p
	}
	return p
}

// Take takes n of what comes in at rate a second, and of which burst may be taken at once. What is taken may be used
// after wait, which is at most most, and at most a minute; if that would not be so, nothing is taken, and wait tells
// how long it would be.
func (b *Budget) Take(
	ctx context.Context, what string, n, rate, burst float64, most time.Duration,
) (wait time.Duration, taken bool) {
	most = min(max(most, 0), horizon)
	err := b.fleet.link.do(ctx, func(ctx context.Context) error {
		micros, err := takeScript.Run(ctx, b.fleet.link.rdb, []string{b.name + what},
			micros(n/rate), micros(burst/rate), most.Microseconds(), horizon.Microseconds()).Int64()
		if err == nil && micros < 0 {
			err = errForeign
		}
		wait = time.Duration(micros) * time.Microsecond
		return err
	})
	switch {
	case err == nil:
		return wait, wait <= most
	case ctx.Err() != nil:
		return 0, false
	}
	nth := float64(b.fleet.Size())
	return b.part(what).take(time.Now(), seconds(n/rate*nth), seconds(burst/rate), most)
}

// take is Take for a gateway on its own: cost is the time in which it comes in, early by how much it may be taken
// early.
func (p *part) take(now time.Time, cost, early, most time.Duration) (wait time.Duration, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := now
	if p.due.After(now) {
		due = p.due
	}
	due = due.Add(cost)
	if wait = max(due.Add(-early).Sub(now), 0); wait > most {
		return wait, false
	}
	p.due = due
	return wait, true
}

// Enter waits for one of so many places until ctx ends, and is nil then. leave gives the place back, and does not
// block.
func (b *Budget) Enter(ctx context.Context, what string, places int) (leave func()) {
	line := b.part(what).line
	select {
	case line <- struct{}{}:
		defer func() { <-line }()
	case <-ctx.Done():
		return nil
	}
	p := ticket{note: b.name + what, token: b.fleet.places.token()}
	for !b.enter(ctx, p, places) {
		if !passed(ctx, pollAtLeast+rand.N(pollAtMost-pollAtLeast)) {
			b.fleet.places.free(p) // Redis may have been told of it all the same
			return nil
		}
	}
	b.fleet.places.hold(p)
	return func() { b.fleet.places.free(p) } // twice is as good as once
}

// enter takes a place if one is free.
func (b *Budget) enter(ctx context.Context, p ticket, places int) bool {
	all := b.fleet.places
	held, mine := all.count(p.note), max(places/b.fleet.Size(), 1)
	var got int64
	err := b.fleet.link.do(ctx, func(ctx context.Context) (err error) {
		got, err = enterScript.Run(ctx, b.fleet.link.rdb, []string{p.note, p.note + ":since"}, p.token, places,
			held, mine, all.lasts.Milliseconds(), all.settling.Milliseconds(), sinceLasts.Milliseconds()).Int64()
		if err == nil && got < 0 {
			err = errForeign
		}
		return err
	})
	switch {
	case err == nil:
		return got == 1
	case ctx.Err() != nil, !errors.Is(err, errForeign) && !b.fleet.link.isAway():
		return false // one call that failed is no reason to go beyond what all may have: it is made again
	}
	return held < mine
}

// passed waits for the time given. It tells whether ctx lasted that long.
func passed(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// longest is more than any time that matters here, and can be reckoned with.
const longest = 100 * 365 * 24 * time.Hour

// seconds gives a time that may be beyond all bounds.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, longest.Seconds()) * float64(time.Second))
}

// micros writes so many seconds as the scripts read them.
func micros(s float64) string {
	return strconv.FormatFloat(math.Round(min(s, longest.Seconds())*1e9)/1e3, 'f', -1, 64)
}
