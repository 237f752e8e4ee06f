package cache_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// script is a fleet that says what the test has written, in that order, and then that nobody knows.
type script struct {
	r *rig

	mu     sync.Mutex
	says   []cache.Standing
	past   []string // the notes that claims have passed over, "" for none
	learnt []time.Duration
	log    []string      // what leases were told, "first", "second" and so on in front of it
	gate   chan struct{} // Commit returns only once it is closed
	claims chan struct{} // and so does Claim
}

var _ cache.Fleet = (*script)(nil)

// scripted runs f in a gateway that hears this from its fleet. It fails for what is left behind as eachSpool does.
func scripted(t *testing.T, f func(t *testing.T, r *rig, s *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Limits{MaxPulls: 100, MaxWaiting: 1000, MaxNegative: 100}, newMemory(t))
		s := &script{r: r}
		r.cache.Join(s)
		f(t, r, s)
		r.end()
	})
}

// Claim implements cache.Fleet. Each standing is said with a note of its own: its number.
func (s *script) Claim(_ context.Context, _ cache.ID, _ string, past *cache.Standing) cache.Standing {
	if s.claims != nil {
		<-s.claims
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	note := ""
	if past != nil {
		note = past.Note
	}
	s.past = append(s.past, note)
	if len(s.past) > len(s.says) {
		return cache.Standing{}
	}
	said := s.says[len(s.past)-1]
	said.Note = numbers[min(len(s.past), len(numbers))-1]
	if l, ok := said.Lease.(*told); ok {
		l.name = said.Note
	}
	return said
}

var numbers = []string{"first", "second", "third", "fourth", "fifth", "sixth"}

// Learnt implements cache.Fleet.
func (s *script) Learnt(_ cache.ID, _ string, _ *cache.NegativeError, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learnt = append(s.learnt, ttl)
}

// Keeps implements cache.Fleet.
func (s *script) Keeps(context.Context, cache.ID) {}

// follows writes standings.
func (s *script) follows(says ...cache.Standing) { s.says = says }

func (s *script) lease() cache.Standing { return cache.Standing{Lease: &told{s: s}} }

// claimed fails the test unless the fleet was asked so often, with these notes passed over.
func (s *script) claimed(past ...string) {
	s.r.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.past, past) {
		s.r.Errorf("claimed past %q, want %q", s.past, past)
	}
}

// said fails the test unless the leases were told this.
func (s *script) said(want ...string) {
	s.r.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.log, want) {
		s.r.Errorf("leases were told %q, want %q", s.log, want)
	}
}

// told is a lease that notes what it is told.
type told struct {
	s    *script
	name string
}

func (l *told) note(what string) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.log = append(l.s.log, l.name+" "+what)
}

func (l *told) Commit(context.Context) {
	l.note("commit")
	if l.s.gate != nil {
		<-l.s.gate
	}
}

func (l *told) Release()                    { l.note("release") }
func (l *told) Settle(period time.Duration) { l.note("settle " + period.String()) }

// opens is a peer.
type opens func(ctx context.Context, from int64, match string) (*cache.Pull, error)

// Open implements cache.Peer.
func (f opens) Open(ctx context.Context, from int64, match string) (*cache.Pull, error) {
	return f(ctx, from, match)
}

func peerOf(f opens) cache.Standing { return cache.Standing{Peer: f} }

// object is what a peer has.
type object struct {
	data string
	tag  string
	size int64 // as it says; -1: not known
}

func sized(data, tag string) object { return object{data, tag, int64(len(data))} }

// from is a peer that has the object, and breaks off at each of these places in turn; then it does not.
func (r *rig) from(o object, breaks ...int) cache.Standing {
	return peerOf(func(_ context.Context, from int64, match string) (*cache.Pull, error) {
		end, cause := len(o.data), error(io.EOF)
		if len(breaks) > 0 {
			end, cause, breaks = breaks[0], cache.ErrPeerGone, breaks[1:]
		}
		switch {
		case int(from) > end:
			return nil, cache.ErrPeerGone
		case match != "" && match != o.tag:
			return nil, cache.ErrPeerLacks
		}
		p := &cache.Pull{Meta: cache.Meta{Size: o.size}, Target: "primary", Relayed: true, Kept: true}
		tagged(o.tag)(p)
		r.mu.Lock()
		r.bodies++
		r.mu.Unlock()
		p.Body = &body{io.MultiReader(strings.NewReader(o.data[from:end]), broken{cause}), r.bodyClosed}
		return p, nil
	})
}

// refusing is a peer that gives nothing.
func refusing(err error) cache.Standing {
	return peerOf(func(context.Context, int64, string) (*cache.Pull, error) { return nil, err })
}

// broken is where a body ends.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// wantsFill fails the test unless a client gets data.
func (r *rig) wantsFill(data string, load cache.Loader) answer {
	r.Helper()
	got, err := r.fill("k", load)
	if err != nil || got.data != data {
		r.Errorf("got %d bytes and %v, want %d", len(got.data), err, len(data))
	}
	return got
}

func (r *rig) loadedTimes(n int) {
	r.Helper()
	if got := r.loaded(); got != n {
		r.Errorf("%d loads, want %d", got, n)
	}
}

// never is a loader that must not be called.
func (r *rig) never() cache.Loader {
	return r.loader(func(context.Context) (*cache.Pull, error) {
		r.Error("the origin is asked")
		return nil, errOrigin
	})
}

func isFailed(err error) bool {
	var failed *cache.PeerError
	return errors.As(err, &failed)
}
