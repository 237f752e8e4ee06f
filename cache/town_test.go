package cache_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// town is a fleet in memory: what gateways tell each other over Redis.
type town struct {
	mu     sync.Mutex
	silent bool // it cannot be asked
	count  int
	notes  map[cache.ID]note
	absent map[cache.ID]time.Duration
	claims int
}

// note is what stands of a key.
type note struct {
	number int
	state  string // pulls, spooled or saved
	by     *citizen
}

// citizen is a gateway of a town, with a bucket that all of them have.
type citizen struct {
	*rig
	town *town

	mu     sync.Mutex
	gone   bool          // nobody can reach it
	way    chan struct{} // who asks for a body of it arrives only once it is closed; nil: at once
	opened int           // bodies that others have asked of it
	cut    int           // the first body that others read from it breaks off after so many bytes; 0: none does
	cutoff bool          // and it is gone with it
	log    []string
}

// eachTown runs f with so many gateways. It fails for what is left behind as eachSpool does.
func eachTown(t *testing.T, n int, f func(t *testing.T, at []*citizen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{notes: map[cache.ID]note{}, absent: map[cache.ID]time.Duration{}}
		var at []*citizen
		for range n {
			r := newRig(t, cache.Limits{MaxPulls: 100, MaxWaiting: 1000, MaxNegative: 100}, newMemory(t))
			if len(at) > 0 {
				r.bucket, r.site = at[0].bucket, at[0].site
			}
			c := &citizen{rig: r, town: w}
			r.cache.Join(c)
			at = append(at, c)
		}
		f(t, at)
		for _, c := range at {
			c.end()
		}
	})
}

var _ cache.Fleet = (*citizen)(nil)

// Claim implements cache.Fleet.
func (c *citizen) Claim(_ context.Context, id cache.ID, _ string, past *cache.Standing) cache.Standing {
	w := c.town
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.claims++; w.silent {
		return cache.Standing{}
	}
	if left, ok := w.absent[id]; ok {
		return cache.Standing{Negative: &cache.NegativeError{Status: 404, Remembered: true, Err: errOrigin}, Left: left}
	}
	n, ok := w.notes[id]
	text := strconv.Itoa(n.number) + n.state
	switch {
	case !ok, past != nil && past.Note == text, n.by == c && n.state != "saved": // of its own: nobody claims what it holds
		w.count++
		w.notes[id] = note{w.count, "pulls", c}
		return cache.Standing{Lease: &lease{c, id, w.count}}
	case n.state == "saved":
		return cache.Standing{Saved: true, Note: text}
	default:
		return cache.Standing{Peer: &peer{n.by, id}, Note: text}
	}
}

// Learnt implements cache.Fleet.
func (c *citizen) Learnt(id cache.ID, _ string, _ *cache.NegativeError, ttl time.Duration) {
	c.town.mu.Lock()
	defer c.town.mu.Unlock()
	c.town.absent[id] = ttl
}

// said notes what a lease was told.
func (c *citizen) said(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, what)
}

func (c *citizen) told() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log
}

// save moves what its spool holds into the bucket, and says so.
func (c *citizen) save() {
	for _, e := range c.spool.committed() {
		(&lease{c, e.ID, 0}).become("saved", false)
	}
	c.spool.save(c.bucket)
	c.left = 0
}

type lease struct {
	c      *citizen
	id     cache.ID
	number int
}

// become changes the note, or takes it away, if it is the lease's; 0: whoever's it is.
func (l *lease) become(state string, gone bool) {
	w := l.c.town
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := w.notes[l.id]; {
	case l.number != 0 && n.number != l.number:
	case gone:
		delete(w.notes, l.id)
	default:
		w.notes[l.id] = note{l.number, state, l.c}
	}
}

func (l *lease) Commit(context.Context) {
	l.c.said("commit " + strconv.Itoa(len(l.c.spool.committed())))
	l.become("spooled", false)
}

func (l *lease) Release() {
	l.c.said("release")
	l.become("", true)
}

func (l *lease) Settle(time.Duration) {
	l.c.said("settle")
	l.become("saved", false)
}

type peer struct {
	c  *citizen
	id cache.ID
}

// Open implements cache.Peer.
func (p *peer) Open(ctx context.Context, from int64, match string) (*cache.Pull, error) {
	c := p.c
	c.mu.Lock()
	gone := c.gone
	if !gone {
		c.opened++
	}
	way := c.way
	c.mu.Unlock()
	if way != nil {
		<-way
	}
	if gone {
		return nil, cache.ErrPeerGone
	}
	a, err := c.cache.Share(ctx, cache.PeerAsk{ID: p.id, From: from, Match: match})
	switch a.Outcome {
	case cache.PeerHas:
		return &cache.Pull{
			Meta: a.Meta, Target: a.Target, Relayed: true, Kept: a.Kept, Body: &street{a.Body, c, from},
		}, nil
	case cache.PeerLacks:
		return nil, cache.ErrPeerLacks
	case cache.PeerAlone:
		return nil, cache.ErrPeerAlone
	}
	failed := &cache.PeerError{Status: 502, Code: "MirrorFailed", Message: err.Error()}
	var negative *cache.NegativeError
	if errors.As(err, &negative) {
		return nil, &cache.NegativeError{Status: negative.Status, Err: failed}
	}
	return nil, failed
}

// street is a body on its way from a citizen to another.
type street struct {
	io.ReadCloser
	c  *citizen
	at int64
}

func (s *street) Read(p []byte) (int, error) {
	cut, gone := s.c.cuts(s.at)
	if gone {
		return 0, cache.ErrPeerGone
	}
	if cut > 0 {
		p = p[:min(int64(len(p)), cut-s.at)]
	}
	n, err := s.ReadCloser.Read(p)
	s.at += int64(n)
	if err != nil && err != io.EOF {
		err = cache.ErrPeerGone
	}
	return n, err
}

// cuts tells whether a body of which so many bytes have come breaks off here, and if not, where it will.
func (c *citizen) cuts(at int64) (cut int64, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cut = int64(c.cut)
	if cut > 0 && at >= cut {
		c.cut, c.gone = 0, c.cutoff
		return 0, true
	}
	return cut, c.gone
}

// tagged gives an answer a strong ETag.
func tagged(tag string) func(*cache.Pull) {
	return func(p *cache.Pull) {
		p.Meta.Origin = cache.Provenance{
			Validators: cache.Validators{ETag: tag}, Time: time.Now(), Target: "primary", Size: p.Meta.Size,
		}
	}
}

func TestOnePullForTheTown(t *testing.T) {
	eachTown(t, 3, func(t *testing.T, at []*citizen) {
		data, w := text(300_000), newWire()
		var clients []*client
		for _, c := range at {
			for range 5 {
				clients = append(clients, c.client("k", at[0].pulls(w, len(data), nil)))
			}
		}
		arrived := func(n int) { // each gateway withholds the last byte that it has
			t.Helper()
			for i, c := range clients {
				if _, got, end := c.got(); len(got) != n-1-min(i/5, 1) || end != nil {
					t.Errorf("client %d: %d bytes and %v after %d", i, len(got), end, n)
				}
			}
		}
		w.send(data[:1000])
		arrived(1000)
		w.send(data[1000:])
		arrived(len(data))
		w.finish(io.EOF)
		for _, c := range clients {
			c.wants(t, data)
		}
		if at[0].loaded() != 1 || at[0].opened != 2 || len(at[1].spool.committed())+len(at[2].spool.committed()) != 0 {
			t.Errorf("%d loads, %d bodies to others", at[0].loaded(), at[0].opened)
		}
		if len(at[0].spool.announced) != 1 || len(at[1].spool.announced)+len(at[2].spool.announced) != 0 {
			t.Error("what another gateway keeps is announced")
		}
		if said := at[0].told(); len(said) != 1 || said[0] != "commit 0" {
			t.Errorf("the holder said %q", said)
		}
		if obj, _, _ := clients[7].got(); !obj.Pull.Kept || !obj.Pull.Collapsed || obj.Pull.Target != "primary" {
			t.Errorf("got %+v", obj.Pull)
		}
	})
}

func TestBrokenRelay(t *testing.T) {
	f := func(tag string, vanishes, whole bool, loads int) {
		t.Helper()
		eachTown(t, 2, func(t *testing.T, at []*citizen) {
			data, w := text(200_000), newWire()
			first := at[0].client("k", at[0].pulls(w, len(data), tagged(tag)))
			w.send(data[:150_000])
			at[0].cut, at[0].cutoff = 100_000, vanishes
			o := at[1].opts
			o.Later = at[1].answers(data, tagged(tag))
			c := at[1].clientWith("k", o, at[1].answers("wrong"), nil)
			w.send(data[150_000:])
			w.finish(io.EOF)
			first.wants(t, data)
			if whole {
				c.wants(t, data)
			} else if _, got, end := c.got(); end == nil || end == io.EOF || got != data[:len(got)] {
				t.Errorf("%d bytes and %v", len(got), end)
			}
			if got := at[0].loaded() + at[1].loaded(); got != loads {
				t.Errorf("%d loads, want %d", got, loads)
			}
		})
	}
	f(`"v1"`, false, true, 1)
	f(`"v1"`, true, true, 2)
	f(`W/"v1"`, true, false, 1)
	f("", true, false, 1)
}

// A pull that no request waits for is left to the gateway that has the object already, and not to one that is gone.
func TestPullAgainInTown(t *testing.T) {
	f := func(gone bool, loads int) {
		t.Helper()
		eachTown(t, 2, func(t *testing.T, at []*citizen) {
			at[0].client("k", at[0].answers("data")).wants(t, "data")
			at[0].gone = gone
			if err := at[1].cache.PullAgain(t.Context(), at[1].site, "k", at[1].opts, at[1].answers("data")); err != nil {
				t.Error(err)
			}
			if got := len(at[1].spool.committed()); at[1].loaded() != loads || got != loads {
				t.Errorf("%d loads and %d objects in the spool, want %d", at[1].loaded(), got, loads)
			}
		})
	}
	f(false, 0)
	f(true, 1)
}
