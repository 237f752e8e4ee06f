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

	"github.com/redis/go-redis/v9"

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
	begin, over func(t *testing.T, r *harness.Redis)
}

func redisFaults() []fault {
	return []fault{
		{"killed", true, func(_ *testing.T, r *harness.Redis) { r.Kill() }, func(t *testing.T, r *harness.Redis) { r.Restart(t) }},
		{"paused", true, signal(syscall.SIGSTOP), signal(syscall.SIGCONT)},
		{"flushed", false, command("FLUSHALL"), func(*testing.T, *harness.Redis) {}},
		{"read-only", true, command("REPLICAOF", "127.0.0.1", "1"), command("REPLICAOF", "NO", "ONE")},
		{"out of memory", true, command("CONFIG", "SET", "maxmemory", "1"), command("CONFIG", "SET", "maxmemory", "0")},
	}
}

func signal(s syscall.Signal) func(*testing.T, *harness.Redis) {
	return func(_ *testing.T, r *harness.Redis) { r.Signal(s) }
}

func command(words ...any) func(*testing.T, *harness.Redis) {
	return func(t *testing.T, r *harness.Redis) {
		t.Helper()
		client := redis.NewClient(&redis.Options{Addr: r.Addr})
		defer client.Close()
		if err := client.Do(t.Context(), words...).Err(); err != nil {
			t.Fatalf("%v: %v", words, err)
		}
	}
}

// TestRedisFaults: whatever befalls Redis, every request is answered, hits as fast as before, and a cold key costs one
// pull per gateway at most. Afterwards it costs one again, without a restart.
func TestRedisFaults(t *testing.T) {
	r := harness.StartRedis(t)
	f := newStage(t, r.URL).start(t, settings{members: members, memory: true})
	hot := small("hot", 1)[0]
	f.wantAllRight(t, 1, hot)
	f.waitSaved(t, hot)
	f.waitInMemory(t, hot)
	for _, fault := range redisFaults() {
		passed := t.Run(fault.name, func(t *testing.T) {
			f.hitsStayFast(t, r, fault, hot)
			f.outage(t, r, fault)
		})
		if !passed {
			return // what follows would fail, too
		}
	}
}

// outage is one of which misses are asked for, all the time, and some of all gateways at once in each of its states.
func (f *fleet) outage(t *testing.T, r *harness.Redis, fault fault) {
	t.Helper()
	folder := strings.ReplaceAll(fault.name, " ", "-")
	stop := f.load(t, folder+"-load")
	away, back := f.said(t, saysAway), f.said(t, saysBack)
	fault.begin(t, r)
	f.wantAllRight(t, len(f.members), small(folder+"-meanwhile", 5)...)
	if fault.away {
		f.waitSaid(t, saysAway, away)
	}
	f.wantAllRight(t, len(f.members), small(folder+"-away", 5)...)
	fault.over(t, r)
	if fault.away {
		f.waitSaid(t, saysBack, back)
	}
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
)

// hitsStayFast compares how long hits take from a fault's beginning on with how long they took just before.
func (f *fleet) hitsStayFast(t *testing.T, r *harness.Redis, fault fault, hot string) {
	t.Helper()
	for try := 1; ; try++ {
		before := f.slowestOfHits(t, hot, hitWindow*time.Duration(formOf().windows))
		fault.begin(t, r)
		during := f.slowestOfHits(t, hot, hitWindow*time.Duration(formOf().windows))
		f.mend(t, r, fault)
		t.Logf("99 of 100 hits within %v, before within %v", during, before)
		if during <= before+max(before/10, hitsSlower) {
			return
		}
		if try == tries {
			t.Errorf("99 of 100 hits took up to %v, before up to %v", during, before)
			return
		}
	}
}

// mend ends a fault that gateways may have noticed or not. Those that did say so.
func (f *fleet) mend(t *testing.T, r *harness.Redis, fault fault) {
	t.Helper()
	fault.over(t, r)
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
