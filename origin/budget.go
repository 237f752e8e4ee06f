package origin

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// The values of Config.Scope: whose limits max_concurrent, max_rate and max_bandwidth are.
const (
	ScopeGateway = "gateway" // each gateway's own
	ScopeFleet   = "fleet"   // those of all gateways together
)

// ofAll is how errors name a limit of scope: fleet.
const ofAll = " for all gateways (scope: fleet)"

// Budget is what all gateways together may ask of one origin. what is the setting that a limit comes from. No method
// fails: where the others cannot be asked, a gateway takes its part. All methods may be called concurrently.
type Budget interface {
	// Take takes n of what comes in at rate a second, and of which burst may be taken at once. What is taken may be used
	// after wait, which is at most most; if that would not be so, nothing is taken, and wait tells how long it would be.
	Take(ctx context.Context, what string, n, rate, burst float64, most time.Duration) (wait time.Duration, taken bool)
	// Enter waits for one of so many places until ctx ends, and is nil then. leave gives the place back, and does not
	// block.
	Enter(ctx context.Context, what string, places int) (leave func())
}

// rateOfAll is how many requests of all gateways may be sent at once under max_rate: an eighth of a second's worth.
func rateOfAll(perSecond float64) float64 { return max(perSecond/8, 1) }

// turnOfAll waits until one more request may be sent, for all gateways.
func (l *limits) turnOfAll(w *watch) *Error {
	if l.fleet == nil {
		return nil
	}
	wait, taken := l.fleet.Take(w.ctx, "max_rate", 1, l.c.MaxRate, rateOfAll(l.c.MaxRate), w.left())
	switch {
	case w.ctx.Err() != nil:
		return ended(w.ctx, opLimit)
	case !taken:
		return l.overRate(ofAll, wait)
	case !passed(w.ctx, wait):
		return ended(w.ctx, opLimit)
	}
	return nil
}

// flow is what may pass under max_bandwidth.
type flow struct {
	own   *rate.Limiter
	fleet *grants // nil: the limit is this gateway's own
}

// most is how many bytes may pass at once.
func (f *flow) most() int { return f.own.Burst() }

// wait waits until n bytes may pass, or ctx ends.
func (f *flow) wait(ctx context.Context, n int) error {
	if err := f.own.WaitN(ctx, n); err != nil || f.fleet == nil {
		return err
	}
	return f.fleet.use(ctx, int64(n))
}
