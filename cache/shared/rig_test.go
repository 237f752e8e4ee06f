package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

const soon = 15 * time.Second // what is awaited happens at once on a quiet machine

// member is a Fleet of the tests, and what it tells its gateway.
type member struct {
	*Fleet
	t     *testing.T
	log   *logged
	saved chan cache.ID
	purge chan string // site and prefix
	doubt atomic.Int64
	stop  func()
}

// fleet is members that share one Redis, a namespace of their own, and the objects of one test.
type fleet struct {
	t       *testing.T
	urls    []string
	members int
}

func newFleet(t *testing.T, urls ...string) *fleet { return &fleet{t: t, urls: urls} }

func (f *fleet) secret() string { return "secret of the test " + f.t.Name() }

// idle is a member that does not Run: it renews nothing and hears nothing.
func (f *fleet) idle(change ...func(*Options)) *member {
	f.t.Helper()
	f.members++
	name := fmt.Sprintf("member-%d", f.members)
	m := &member{t: f.t, log: new(logged), saved: make(chan cache.ID, 1000), purge: make(chan string, 10), stop: func() {}}
	o := Options{
		Config: Config{Redis: f.urls, Advertise: "http://" + name + ":8080", Secret: f.secret()},
		Member: name,
		Saved:  func(id cache.ID) { m.saved <- id },
		Doubt:  func() { m.doubt.Add(1) },
		Purge:  func(site, prefix string) { m.purge <- site + " " + prefix },
		Log:    slog.New(slog.NewTextHandler(m.log, nil)),

		patience: soon,
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if m.Fleet, err = New(o); err != nil {
		f.t.Fatal(err)
	}
	m.peer = func(id cache.ID, h holder) cache.Peer { return stub{id, h} }
	return m
}

// short gives a member the patience that it has in a gateway.
func short(o *Options) { o.patience = 0 }

// run is a member that runs, and has subscribed.
func (f *fleet) run(change ...func(*Options)) *member {
	f.t.Helper()
	m := f.idle(change...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("run: %v", err)
		}
	})
	f.t.Cleanup(m.stop)
	m.waitDoubt(1)
	return m
}

func (m *member) waitDoubt(times int64) {
	m.t.Helper()
	harness.Eventually(m.t, soon, func() error {
		if n := m.doubt.Load(); n < times {
			return fmt.Errorf("doubt came %d times, want %d", n, times)
		}
		return nil
	})
}

// waitClaim claims again and again until a standing is as wanted.
func (m *member) waitClaim(id cache.ID, want string) cache.Standing {
	m.t.Helper()
	var last cache.Standing
	harness.Eventually(m.t, soon, func() error {
		last = m.Claim(m.t.Context(), id, scope, nil)
		err := is(last, want)
		if err != nil && last.Lease != nil {
			last.Lease.Release()
		}
		return err
	})
	return last
}

// claim claims once.
func (m *member) claims(id cache.ID, past *cache.Standing, want string) cache.Standing {
	m.t.Helper()
	standing := m.Claim(m.t.Context(), id, scope, past)
	if err := is(standing, want); err != nil {
		m.t.Fatalf("%s: %v", m.o.Member, err)
	}
	return standing
}

const scope = "https://origin.example"

// is compares a standing with: lease, saved, nothing, negative 404, peer member-1.
func is(s cache.Standing, want string) error {
	got := "nothing"
	switch {
	case s.Lease != nil:
		got = "lease"
	case s.Negative != nil:
		got = fmt.Sprint("negative ", s.Negative.Status)
	case s.Peer != nil:
		got = "peer " + s.Peer.(stub).holder.member
	case s.Saved:
		got = "saved"
	}
	if got != want {
		return fmt.Errorf("it stands %q (%s), want %q", got, s.Note, want)
	}
	return nil
}

func image(n int) cache.ID { return cache.ID{Site: "assets", Key: fmt.Sprintf("images/%d one.jpg", n)} }

// stub stands for the way to another gateway, which is none of this package's claims.
type stub struct {
	id     cache.ID
	holder holder
}

func (stub) Open(context.Context, int64, string) (*cache.Pull, error) {
	return nil, errors.New("these tests open nothing")
}

// logged is a log's lines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}
