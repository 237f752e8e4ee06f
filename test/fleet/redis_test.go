package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// What a gateway says of Redis, once for each change.
const (
	saysAway = "redis is away"
	saysBack = "redis is back"
)

// fault is something that befalls Redis, and its end.
type fault struct {
	name        string
	away        bool // gateways have to notice
	begin, over func(t *testing.T)
}

func faultsOf(r *harness.Redis) []fault {
	does := func(words ...any) func(*testing.T) { return func(t *testing.T) { t.Helper(); r.Do(t, words...) } }
	signals := func(s syscall.Signal) func(*testing.T) { return func(*testing.T) { r.Signal(s) } }
	return []fault{
		{"killed", true, func(*testing.T) { r.Kill() }, func(t *testing.T) { r.Restart(t) }},
		{"paused", true, signals(syscall.SIGSTOP), signals(syscall.SIGCONT)},
		{"flushed", false, does("FLUSHALL"), func(*testing.T) {}},
		{"read-only", true, does("REPLICAOF", "127.0.0.1", "1"), does("REPLICAOF", "NO", "ONE")},
		{"out of memory", true, does("CONFIG", "SET", "maxmemory", "1"), does("CONFIG", "SET", "maxmemory", "0")},
	}
}

// TestRedisFaults: whatever befalls Redis, every request is answered, hits as fast as before, and a cold key costs one
// pull per gateway at most. Afterwards it costs one again, without a restart.
func TestRedisFaults(t *testing.T) {
	r := harness.StartRedis(t)
	s := newStage(t, r.URL)
	f := s.start(t, settings{members: members, memory: true})
	for _, fault := range faultsOf(r) {
		if !t.Run(fault.name, func(t *testing.T) { f.outage(t, fault) }) {
			return // what follows would fail, too
		}
	}
	l := startLine(t, r.Addr)
	s.redis = []string{l.url}
	f = s.start(t, settings{members: few, secret: "slow", memory: true})
	t.Run("slow", func(t *testing.T) { f.outage(t, l.slow()) })
}

// outage is one of the whole fleet.
func (f *fleet) outage(t *testing.T, fault fault) {
	t.Helper()
	hot := small("hot-"+strings.ReplaceAll(fault.name, " ", "-"), 1)[0]
	f.wantAllRight(t, 1, hot)
	f.waitSaved(t, hot)
	f.waitInMemory(t, hot)
	f.hitsStayFast(t, fault, hot)
	f.missesAreAnswered(t, fault)
}

// missesAreAnswered: those that clients ask for all the time, and those that all gateways are asked for at once in each
// state of the outage.
func (f *fleet) missesAreAnswered(t *testing.T, fault fault) {
	t.Helper()
	folder := strings.ReplaceAll(fault.name, " ", "-")
	stop := f.load(t, folder+"-load")
	away, back := f.said(t, saysAway), f.said(t, saysBack)
	fault.begin(t)
	f.wantAllRight(t, len(f.members), small(folder+"-meanwhile", 5)...)
	if fault.away {
		f.waitSaid(t, saysAway, away)
	}
	f.wantAllRight(t, len(f.members), small(folder+"-away", 5)...)
	fault.over(t)
	if fault.away {
		f.waitSaid(t, saysBack, back)
	}
	f.waitBack(t)
	keys := stop()
	f.wantAllRight(t, 1, small(folder+"-after", 5)...)
	f.waitSaved(t, keys...)
	for _, key := range keys {
		if pulls := f.pulls(key); pulls > len(f.members) {
			t.Errorf("%s cost the origin %d requests by %d gateways", key, pulls, len(f.members))
		}
	}
}

const (
	loadClients = 4
	loadPause   = 40 * time.Millisecond // at most, between two requests of a client
	loadRepeats = 3                     // of so many requests, one is for a new object
)

// load has clients ask any gateway, mostly for what others have asked for. The function that is returned ends that, and
// returns the keys.
func (f *fleet) load(t *testing.T, folder string) (stop func() []string) {
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	t.Cleanup(asking.Wait) // if the test ends before
	var asked atomic.Int64
	for range loadClients {
		asking.Go(func() {
			for wait(ctx, rand.N(loadPause)) {
				number := rand.Int64N(1 + asked.Load())
				if number == 0 || rand.IntN(loadRepeats) == 0 {
					number = asked.Add(1)
				}
				f.wantGot(t, rand.IntN(len(f.members)), numbered(folder, number))
			}
		})
	}
	return func() (keys []string) {
		cancel()
		asking.Wait()
		for number := range asked.Load() {
			keys = append(keys, numbered(folder, number+1))
		}
		return keys
	}
}

func numbered(folder string, n int64) string {
	return fmt.Sprintf("%s/~sound,size=%d/%d.bin", folder, 1+n*17, n)
}

// said counts how often each gateway has said something.
func (f *fleet) said(t *testing.T, text string) []int {
	t.Helper()
	var times []int
	for _, m := range f.members {
		times = append(times, len(m.lines(t, text)))
	}
	return times
}

// waitSaid waits until each gateway has said something once more, which is all that is due.
func (f *fleet) waitSaid(t *testing.T, text string, before []int) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		for n, times := range f.said(t, text) {
			if times < before[n]+1 {
				return fmt.Errorf("gateway %d has said %q %d times, %d are due", n, text, times, before[n]+1)
			}
			if times > before[n]+1 {
				t.Fatalf("gateway %d has said %q %d times, %d are due", n, text, times, before[n]+1)
			}
		}
		return nil
	})
}

// waitInMemory waits until each gateway answers a key from memory.
func (f *fleet) waitInMemory(t *testing.T, key string) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		for n := range f.members {
			a := f.get(t, n, key, f.body(key))
			if said := a.header.Get("Cache-Status"); said != hitMemory {
				return fmt.Errorf("gateway %d: %d, %s", n, a.status, said)
			}
		}
		return nil
	})
}

const hitMemory = "mirrorgate; hit; detail=memory"

// How hits are measured: they begin with the fault, so that what waits for Redis even once for each connection shows.
const (
	hitClients = 2 // of each gateway
	hitPause   = 4 * time.Millisecond
	hitWindow  = 400 * time.Millisecond
	hitsSlower = time.Millisecond // or a tenth, the larger
	hitTries   = 10               // a machine that is busy is so before or meanwhile; waiting for Redis shows each time
)

// hitsStayFast compares how long hits take from a fault's beginning on with how long they took just before.
func (f *fleet) hitsStayFast(t *testing.T, fault fault, hot string) {
	t.Helper()
	for try := 1; ; try++ {
		before := f.slowestOfHits(t, hot, hitWindow*time.Duration(formOf().windows))
		fault.begin(t)
		during := f.slowestOfHits(t, hot, hitWindow*time.Duration(formOf().windows))
		fault.over(t)
		f.waitBack(t)
		t.Logf("99 of 100 hits within %v, before within %v", during, before)
		if during <= before+max(before/10, hitsSlower) {
			return
		}
		if try == hitTries {
			t.Errorf("99 of 100 hits took up to %v, before up to %v", during, before)
			return
		}
	}
}

// waitBack waits until each gateway that has said that Redis is away has said that it is back.
func (f *fleet) waitBack(t *testing.T) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		away, back := f.said(t, saysAway), f.said(t, saysBack)
		for n := range f.members {
			if away[n] != back[n] {
				return fmt.Errorf("gateway %d is still without Redis", n)
			}
		}
		return nil
	})
}

// slowestOfHits asks all gateways for what they have in memory for a while, and returns what 99 of 100 answers kept to.
func (f *fleet) slowestOfHits(t *testing.T, key string, d time.Duration) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	want := f.body(key)
	var mu sync.Mutex
	var took []time.Duration
	var asking sync.WaitGroup
	for n := range hitClients * len(f.members) {
		asking.Go(func() {
			for wait(ctx, hitPause) {
				a := get(t.Context(), f.client, f.members[n%len(f.members)].URL, key, want)
				if err := a.right(want); err != nil || !strings.HasPrefix(a.header.Get("Cache-Status"), "mirrorgate; hit;") {
					t.Errorf("a hit: %d, %s, %v", a.status, a.header.Get("Cache-Status"), err)
				}
				mu.Lock()
				took = append(took, a.took)
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	if len(took) == 0 {
		t.Fatal("no hits")
	}
	slices.Sort(took)
	return took[(len(took)-1)*99/100]
}
