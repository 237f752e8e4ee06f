package shared

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

func TestIntentEndsWithSave(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	ids := objects(300)
	a.commit(t, ids...)
	wantIntents(t, a, 300)
	a.commit(t, ids[:10]...) // pulled once more while it waits: one intent
	wantIntents(t, a, 300)
	a.save(ids[:200]...)
	wantIntents(t, a, 100)
	a.save(ids...) // some have left already
	wantIntents(t, a, 0)
	wantPulls(t, 0, a) // nothing had to be found to be done
}

// What a gateway had in its spool when it was lost is pulled by the others, each object once, even if a pull takes
// longer than it takes to be called gone; and nothing of it is touched while it lives.
func TestLostIntentsArePulledByOthers(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	b := newGate(t, []string{r.URL}, "bb", nil).run(t)
	c := newGate(t, []string{r.URL}, "cc", nil).run(t)
	slow := func(ctx context.Context, id cache.ID) error {
		if !strings.Contains(id.Key, "a/7 ") {
			return nil
		}
		select { // longer than a member is missed, with all of them looking
		case <-time.After(2 * quick().gone):
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	b.pull, c.pull = slow, slow
	ids := objects(60)
	a.commit(t, ids...)
	oldest := func() time.Duration {
		p, err := b.pendingOf(t.Context(), shardOf(ids[0]), "aa", "0", 1)
		if err != nil || len(p) == 0 {
			t.Fatal(p, err)
		}
		return p[0].idle
	}
	harness.Eventually(t, 20*time.Second, func() error {
		if idle := oldest(); idle < 2*quick().gone {
			return fmt.Errorf("pending for %v only", idle)
		}
		return nil
	})
	looked(t, client(t, r), 5*shards)
	wantPulls(t, 0, a, b, c)

	lost := time.Now()
	a.stop()
	wantPulls(t, len(ids), b, c)
	t.Logf("60 objects pulled by others after %v, of which %v until their gateway is gone", time.Since(lost), quick().gone)
	wantIntents(t, b, 0)
	looked(t, client(t, r), 5*shards)
	wantPulls(t, len(ids), b, c)
	for _, id := range ids {
		if n := b.asked[id] + c.asked[id]; n != 1 {
			t.Errorf("%q: pulled %d times", id.Key, n)
		}
	}
}

// After a restart, what is in the spool keeps its intent, and what is not is pulled again by the gateway itself.
func TestRestartTakesUpItsIntents(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	ids := objects(250)
	a.commit(t, ids...)
	a.stop()
	b := newGate(t, []string{r.URL}, "aa", nil)
	for _, id := range ids[:200] { // the others were not in its spool yet
		b.spool[id] = true
	}
	unheard := cache.ID{Site: "assets", Key: "pulled while nothing was noted"}
	b.spool[unheard] = true
	b.run(t)
	wantPulls(t, 50, b)
	wantIntents(t, b, 201)
	b.save(append(ids[:200:200], unheard)...)
	wantIntents(t, b, 0)
	wantPulls(t, 50, b)
}

func TestFlushedIntentsAreAnnouncedAgain(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	b := newGate(t, []string{r.URL}, "bb", nil).run(t)
	ids := objects(40)
	a.commit(t, ids[:30]...)
	b.commit(t, ids[30:]...)
	wantIntents(t, a, 40)
	if err := client(t, r).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	wantIntents(t, a, 40)
	a.save(ids[:30]...)
	wantIntents(t, a, 10)
	b.stop()
	wantPulls(t, 10, a)
	wantIntents(t, a, 0)
}

// While Redis is away nobody waits for it, and what was pulled then is announced when it is back.
func TestPullsWithoutRedisAreAnnouncedLater(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", short)
	a.commit(t, objects(5)...)
	r.Kill()
	began := time.Now()
	ids := objects(50)
	for _, id := range ids {
		if err := a.announce(t.Context(), id); err == nil && !a.waiting(id) {
			t.Errorf("%q: noted without Redis", id.Key)
		}
		a.spool[id] = true
	}
	if took := time.Since(began); took > tripped*patience+time.Second {
		t.Errorf("50 pulls waited %v for Redis", took)
	}
	r.Restart(t)
	if err := a.link.try(t.Context(), func(ctx context.Context) error { return a.link.rdb.Ping(ctx).Err() }); err != nil {
		t.Fatal(err)
	}
	a.run(t)
	wantIntents(t, a, 50)
}

// A replica that takes over may lack what was written last. What it lacks is announced again.
func TestIntentsThatRedisLostAreAnnouncedAgain(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	ids := objects(60)
	a.commit(t, ids...)
	looked(t, client(t, r), 2*shards)
	for _, id := range ids[20:] {
		shard := shardOf(id)
		a.intents.shelves[shard].mu.Lock()
		at := a.intents.shelves[shard].known[sumOf(id)].String()
		a.intents.shelves[shard].mu.Unlock()
		if _, err := a.ask(t.Context(), settleScript+" and {}", a.shardKeys(shard)[:1], at); err != nil {
			t.Fatal(err)
		}
	}
	wantIntents(t, a, len(ids))
	a.save(ids...)
	wantIntents(t, a, 0)
}

// What was pulled while Redis did not answer, but lost nothing, is announced as well.
func TestPullsDuringAPauseAreAnnouncedLater(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", short).run(t)
	ids := objects(30)
	a.commit(t, ids[:5]...)
	wantIntents(t, a, 5)
	r.Signal(syscall.SIGSTOP)
	for _, id := range ids[5:] {
		_ = a.announce(t.Context(), id) // which may have been heard all the same
		a.mu.Lock()
		a.spool[id] = true
		a.mu.Unlock()
	}
	r.Signal(syscall.SIGCONT)
	wantIntents(t, a, len(ids))
	a.save(ids...)
	wantIntents(t, a, 0)
	wantPulls(t, 0, a)
}

// A gateway that is about to stop pulls nothing more for others, and leaves to them what it has begun.
func TestRetiredPullsNothing(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil)
	a.commit(t, objects(3*pullers)...)
	b := newGate(t, []string{r.URL}, "bb", nil)
	begun, under := make(chan struct{}, 3*pullers), atomic.Int64{}
	b.pull = func(ctx context.Context, _ cache.ID) error {
		under.Add(1)
		defer under.Add(-1)
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	b.run(t)
	for range pullers {
		<-begun
	}
	b.Retire()
	if n := under.Load(); n != 0 {
		t.Errorf("%d pulls are under way", n)
	}
	looked(t, client(t, r), 3*shards)
	wantPulls(t, pullers, b)
	b.stop()
	c := newGate(t, []string{r.URL}, "cc", nil).run(t)
	wantIntents(t, c, 0)
	wantPulls(t, 3*pullers, c)
}

// An acknowledgement that was lost does no harm: the intent is found to be done.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	id := objects(1)[0]
	a.commit(t, id)
	a.mu.Lock()
	delete(a.spool, id)
	a.mu.Unlock()
	if _, ok := a.intents.shelves[shardOf(id)].forget(id); !ok { // as if it had been sent, and not arrived
		t.Fatal("the intent is not remembered")
	}
	wantPulls(t, 1, a) // which finds it in the bucket
	wantIntents(t, a, 0)
}

func TestPoisonEndsOnDeadList(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil)
	b := newGate(t, []string{r.URL}, "bb", nil)
	b.tempo.gone, b.tempo.again = 200*time.Millisecond, 10*time.Millisecond
	ids := objects(2)
	a.commit(t, ids...) // and never runs
	b.pull = func(context.Context, cache.ID) error { return errOrigin }
	b.run(t)
	// The one has been taken up again and again, and never brought to an end.
	crash := ids[0]
	p := a.intents.shelves[shardOf(crash)].known[sumOf(crash)]
	err := client(t, r).Do(t.Context(), "XCLAIM", a.names.stream(shardOf(crash)), groupName, "aa", 0, p.String(),
		"RETRYCOUNT", maxTries+1, "JUSTID").Err()
	if err != nil {
		t.Fatal(err)
	}
	dead := wantDead(t, b, 2)
	wantIntents(t, b, 0)
	if n := b.asked[crash]; n != 0 {
		t.Errorf("what brings gateways down was pulled %d times more", n)
	}
	if n := b.asked[ids[1]]; n != maxTries {
		t.Errorf("what fails was pulled %d times, want %d", n, maxTries)
	}
	for _, d := range dead {
		want := errOrigin.Error()
		if d.Key == crash.Key {
			want = "never brought to an end"
		}
		if !strings.Contains(d.Why, want) || d.Site != "assets" || time.Since(d.When).Abs() > time.Minute {
			t.Errorf("on the dead list: %+v, want %q", d, want)
		}
	}
	b.mu.Lock()
	b.pull = nil
	b.mu.Unlock()
	for _, d := range dead {
		if err := a.RetryDead(t.Context(), d.ID); err != nil {
			t.Error(err)
		}
	}
	wantDead(t, b, 0)
	wantPulls(t, maxTries+2, b)
	wantIntents(t, b, 0)
}

func wantDead(t *testing.T, g *gate, want int) (list []Dead) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() (err error) {
		if list, err = g.Dead(t.Context()); err == nil && len(list) != want {
			err = fmt.Errorf("%d on the dead list, want %d", len(list), want)
		}
		return err
	})
	return list
}

func TestDeadListKeepsTheNewest(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil)
	for _, id := range objects(maxDead + 5) {
		if err := a.GiveUp(t.Context(), id, errOrigin); err != nil {
			t.Fatal(err)
		}
	}
	list := wantDead(t, a, maxDead)
	if n, err := client(t, r).HLen(t.Context(), a.names.dead()).Result(); n != maxDead || err != nil {
		t.Errorf("%d notes, %v", n, err)
	}
	for _, wrong := range []string{"", "fleet-", DeadPrefix + hash(cache.ID{Site: "a", Key: "b"}), list[0].ID[6:]} {
		if err := a.DropDead(t.Context(), wrong); err == nil {
			t.Errorf("%q was dropped", wrong)
		}
		if err := a.RetryDead(t.Context(), wrong); err == nil {
			t.Errorf("%q is retried", wrong)
		}
	}
	if err := a.DropDead(t.Context(), list[0].ID); err != nil {
		t.Error(err)
	}
	wantDead(t, a, maxDead-1)
}

// What others have put under our names is ignored, and counted.
func TestForeignIntents(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	rdb := client(t, r)
	a := newGate(t, []string{r.URL}, "aa", nil)
	id := objects(1)[0]
	shard := shardOf(id)
	add := func(pairs ...any) {
		t.Helper()
		if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: a.names.stream(shard), Values: pairs}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	add("v", "2", "site", id.Site, "key", id.Key)
	add("v", format, "site", id.Site, "key", id.Key, "more", "x")
	add("v", format, "site", "no site", "key", id.Key)
	add("v", format, "site", id.Site, "key", strings.Repeat("k", cache.MaxKey+1))
	add("something", "else")
	foreign := (shard + 1) % shards
	if err := rdb.Set(t.Context(), a.names.stream(foreign), "a text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	a.commit(t, id)
	a.run(t)
	harness.Eventually(t, 20*time.Second, func() error {
		p, err := rdb.XPending(t.Context(), a.names.stream(shard), groupName).Result()
		if err == nil && (p.Count != 1 || a.link.foreign.Load() < 6) {
			err = fmt.Errorf("%d pending, %d counted", p.Count, a.link.foreign.Load())
		}
		return err
	})
	for _, other := range objects(200) { // some of them belong where the text is
		if err := a.announce(t.Context(), other); (err != nil) != (shardOf(other) == foreign) {
			t.Errorf("%q: %v", other.Key, err)
		}
	}
	if a.link.isAway() || a.pulls() != 0 {
		t.Errorf("away: %v, pulls %d", a.link.isAway(), a.pulls())
	}
}

// On a Cluster everything is the same: the notes of one script are on one node.
func TestIntentsOnACluster(t *testing.T) {
	t.Parallel()
	c := harness.StartRedisCluster(t)
	a := newGate(t, c.URLs, "aa", nil).run(t)
	b := newGate(t, c.URLs, "bb", nil).run(t)
	ids := objects(100)
	a.commit(t, ids...)
	wantIntents(t, b, 100)
	a.save(ids[:60]...)
	wantIntents(t, b, 40)
	wantMembers(t, a, "aa bb")
	a.stop()
	wantPulls(t, 40, b)
	wantIntents(t, b, 0)
	if err := b.GiveUp(t.Context(), ids[0], errOrigin); err != nil {
		t.Fatal(err)
	}
	if err := b.RetryDead(t.Context(), wantDead(t, b, 1)[0].ID); err != nil {
		t.Fatal(err)
	}
	wantPulls(t, 41, b)
	wantIntents(t, b, 0)
	if b.link.isAway() || b.link.foreign.Load() != 0 {
		t.Errorf("away: %v, foreign: %d", b.link.isAway(), b.link.foreign.Load())
	}
}
