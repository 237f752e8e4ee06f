package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	killEvery   = 2 * time.Second
	killClients = 8
	killPause   = 30 * time.Millisecond // at most, between two requests of a client
	killSizes   = 512 * kib             // of the objects, at most
	killRate    = 16 * mib              // bytes per second of the origin: pulls last a while
)

// siege is clients of gateways that are killed.
type siege struct {
	*fleet
	keys  []string
	began time.Time
	lasts time.Duration

	mu       sync.Mutex
	up       []*member       // those that clients are sent to
	kills    map[*member]int // of each
	finished map[string]bool // keys that some client has in full
	broken   int             // answers that the gateway's end has broken off
}

// TestKilledGateways: while gateways are killed and started again under load, a client of a gateway that lives gets the
// object; one of a gateway that is killed gets it or sees that it does not. Every object that a client has got ends up in
// the bucket.
func TestKilledGateways(t *testing.T) {
	s := newStage(t, harness.StartRedis(t).URL)
	s.origin = origin.Start(t, origin.Config{Rate: killRate})
	f := s.start(t, settings{members: members})
	k := &siege{fleet: f, began: time.Now(), lasts: formOf().kills, up: f.members, kills: map[*member]int{}, finished: map[string]bool{}}
	for n := range formOf().keys {
		k.keys = append(k.keys, fmt.Sprintf("kills/~sound,size=%d/%d.bin", 1+rand.IntN(killSizes), n))
	}
	k.run(t)
	k.check(t)
}

// run has clients ask until the time is over, and kills meanwhile.
func (k *siege) run(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), k.lasts)
	defer cancel()
	var asking sync.WaitGroup
	t.Cleanup(asking.Wait) // if the test ends before
	for range killClients {
		asking.Go(func() {
			for wait(ctx, rand.N(killPause)) {
				m, kills := k.any()
				k.ask(t, k.key(), m, kills)
			}
		})
	}
	kills := 0
	for ; wait(ctx, killEvery); kills++ {
		k.shoot(t)
	}
	asking.Wait()
	t.Logf("%d kills, %d objects got in full, %d answers broken off by a kill", kills, len(k.finished), k.broken)
	if kills == 0 || len(k.finished) == 0 {
		t.Error("nothing was killed, or nothing got")
	}
}

// wait waits a while. It tells whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// key is one of those that are due by now, of which there are ever more, one of the newest as likely as any other.
func (k *siege) key() string {
	due := min(len(k.keys), 1+int(float64(len(k.keys))*time.Since(k.began).Seconds()/k.lasts.Seconds()))
	if rand.IntN(2) == 0 {
		return k.keys[max(0, due-1-rand.IntN(killClients))]
	}
	return k.keys[rand.IntN(due)]
}

// any is a gateway that is up, and how often it had been killed when it was.
func (k *siege) any() (m *member, kills int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m = k.up[rand.IntN(len(k.up))]
	return m, k.kills[m]
}

// ask asks a gateway. Its kill excuses that there is no answer, or a part of one: never a wrong one.
func (k *siege) ask(t *testing.T, key string, m *member, kills int) {
	want := k.body(key)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a := get(ctx, k.client, m.URL, key, want)
	err := a.right(want)
	k.mu.Lock()
	defer k.mu.Unlock()
	killed := k.kills[m] != kills
	switch {
	case err == nil:
		k.finished[key] = true
	case killed && a.wrong == nil && (a.status == http.StatusOK || a.status == 0):
		k.broken++
	default:
		t.Errorf("%s: %v; the gateway was killed meanwhile: %v", key, err, killed)
	}
}

// shoot kills a gateway, and starts it again. Clients are sent to it when it says that it is ready.
func (k *siege) shoot(t *testing.T) {
	t.Helper()
	m := k.members[rand.IntN(len(k.members))]
	k.mu.Lock()
	k.up = slices.DeleteFunc(slices.Clone(k.members), func(o *member) bool { return o == m })
	k.kills[m]++
	k.mu.Unlock()
	m.Kill()
	m.Restart(t)
	k.mu.Lock()
	k.up = k.members
	k.mu.Unlock()
}

// check looks into the bucket, for which nobody asks for anything again.
func (k *siege) check(t *testing.T) {
	t.Helper()
	var got []string
	for key := range k.finished {
		got = append(got, key)
	}
	k.waitSaved(t, got...)
}
