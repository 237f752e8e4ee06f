package shared

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

const (
	patience = 250 * time.Millisecond // of one call, with all its attempts
	tripped  = 3                      // failures in a row after which Redis counts as away
	probing  = time.Second            // between two looks whether it is back
)

// errAway means that Redis was not asked, or did not answer.
var errAway = errors.New("redis is away")

// link is the way to Redis. A call waits for it no longer than patience, and after some failures in a row not at all,
// until a probe finds it back. Each change between the two is one line in the log.
type link struct {
	rdb      redis.UniversalClient
	log      *slog.Logger
	patience time.Duration

	foreign atomic.Int64 // notes that were not ours to read

	mu       sync.Mutex
	failures int // in a row
	away     bool
}

func newLink(c Config, patience time.Duration, log *slog.Logger) (*link, error) {
	o, path, err := c.options()
	if err != nil {
		return nil, fmt.Errorf("shared.%s %w", path, err)
	}
	logging.Disable() // the client prints each failure on stderr; what counts is in our log
	o.DialTimeout, o.DialerRetries = patience, 1
	o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1 // a call that failed is done without, rather than again
	o.ClientName = "mirrorgate"
	o.DisableIdentity = true
	return &link{rdb: redis.NewUniversalClient(o), log: log, patience: patience}, nil
}

// do makes a call. An absent note is redis.Nil, which is no failure; every other error is errAway or errForeign.
func (l *link) do(ctx context.Context, call func(context.Context) error) error {
	if l.isAway() {
		return errAway
	}
	return l.try(ctx, call)
}

// try makes a call also while Redis is away: that is how a probe finds out.
func (l *link) try(ctx context.Context, call func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	err := call(limited)
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		l.heard(nil)
		return err
	case isForeign(err):
		l.heard(nil)
		l.foreign.Add(1)
		return errForeign
	case ctx.Err() != nil:
		return context.Cause(ctx) // the caller's end says nothing about Redis
	default:
		l.heard(err)
		return fmt.Errorf("%w: %w", errAway, err)
	}
}

// errForeign means that a note is of another program or version.
var errForeign = errors.New("what Redis holds there is not ours")

// isForeign tells whether Redis says that a key holds something of another type than ours.
func isForeign(err error) bool {
	return errors.Is(err, errForeign) || strings.HasPrefix(err.Error(), "WRONGTYPE") ||
		strings.Contains(err.Error(), "-WRONGTYPE") // out of a script
}

// heard counts what came of a call.
func (l *link) heard(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.away
	if err == nil {
		l.failures, l.away = 0, false
	} else if l.failures++; l.failures >= tripped {
		l.away = true
	}
	switch {
	case l.away && !was:
		l.log.Warn("redis is away: every gateway works on its own until it is back", "err", err)
	case was && !l.away:
		l.log.Info("redis is back")
	}
}

func (l *link) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
}

func (l *link) close() error { return l.rdb.Close() }
