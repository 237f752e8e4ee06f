package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
)

// member is a gateway, as far as Redis is concerned.
type member struct {
	fleet  *shared.Fleet
	leases sync.Map // by key, until they are committed
	heard  atomic.Int64
	listen chan struct{} // closed when it hears of what others save
	away   *warnings
	began  time.Time // to run
	stop   func()
}

const (
	secret = "what the fleet of the benchmark shares"
	origin = "https://old.example.com"
)

// newMember is one that does not run: it asks, but renews nothing and says nothing that nobody waits for.
func newMember(addr string, number int) (*member, error) {
	sum := sha256.Sum256(fmt.Append(nil, "member", number))
	id := hex.EncodeToString(sum[:16])
	m := &member{listen: make(chan struct{}), away: new(warnings), stop: func() {}}
	listens := sync.OnceFunc(func() { close(m.listen) })
	var err error
	m.fleet, err = shared.New(shared.Options{
		Config: shared.Config{
			Redis: shared.Addresses{"redis://" + addr}, Advertise: "http://mirrorgate-" + id[:8] + ".peers:8080", Secret: secret,
		},
		Member: id, Version: "v1.2.3", Setup: "0a1b2c3d4e5f6071",
		Saved: func(cache.ID) { m.heard.Add(1) },
		Doubt: listens,
		Log:   slog.New(m.away),
	})
	return m, err
}

// run has it do all that a gateway does for the fleet, until it is closed.
func (m *member) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	m.began = time.Now()
	go func() { done <- m.fleet.Run(ctx) }()
	m.stop = func() { cancel(); <-done }
}

func (m *member) close() {
	m.stop()
	_ = m.fleet.Close() // a second time for one that ran
}

// listens waits until it hears of what others save.
func (m *member) listens(ctx context.Context) error {
	select {
	case <-m.listen:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func object(key string) cache.ID { return cache.ID{Site: "assets", Key: key} }

// errSilent means that Redis did not answer in time: what is measured then is not what it would cost.
var errSilent = errors.New("the machine is too busy: a gateway took Redis for away")

// claim gets the right to pull.
func (m *member) claim(ctx context.Context, key string) error {
	s := m.fleet.Claim(ctx, object(key), origin, nil)
	if s.Lease == nil {
		return fmt.Errorf("%s is not given: %w", key, errSilent)
	}
	m.leases.Store(key, s.Lease)
	return nil
}

// seek asks for the right to pull what another has.
func (m *member) seek(ctx context.Context, key string) error {
	if s := m.fleet.Claim(ctx, object(key), origin, nil); s.Peer == nil {
		return fmt.Errorf("%s is not another's: %w", key, errSilent)
	}
	return nil
}

// commit is called after the pull.
func (m *member) commit(ctx context.Context, key string) error {
	lease, ok := m.leases.LoadAndDelete(key)
	if !ok {
		return fmt.Errorf("%s is not held", key)
	}
	lease.(cache.Lease).Commit(ctx)
	return nil
}

// pull is claim and commit.
func (m *member) pull(ctx context.Context, key string) error {
	if err := m.claim(ctx, key); err != nil {
		return err
	}
	return m.commit(ctx, key)
}

// save is called when the object is in the bucket.
func (m *member) save(key string) { m.fleet.Left(object(key), true) }

// learnt is called when the origins lack it.
func (m *member) learnt(key string) {
	m.fleet.Learnt(object(key), origin, &cache.NegativeError{Status: 404}, time.Hour)
}

// warnings is a log that counts what gateways warn of.
type warnings struct{ count atomic.Int64 }

func (w *warnings) err() error {
	if w.count.Load() > 0 {
		return errSilent
	}
	return nil
}

// Handle implements slog.Handler.
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		w.count.Add(1)
	}
	return nil
}

// Enabled implements slog.Handler.
func (w *warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// WithAttrs implements slog.Handler.
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w *warnings) WithGroup(string) slog.Handler { return w }
