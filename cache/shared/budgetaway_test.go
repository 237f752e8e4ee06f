package shared

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// Redis dies under load: each gateway goes on with its part, and has its place among the others when Redis is back,
// which knows nothing any more.
func TestPlacesWithoutRedis(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	gateways := fleetOf(t, r.URL, 3)
	pastSettling(t, look(t, r), gateways[0])
	const places = 7
	f := func(atLeast, atMost int64) {
		t.Helper()
		var inside tally
		crowd(until(t, 700*time.Millisecond), gateways, 8, places, &inside)()
		t.Logf("at most %d inside, %d came", inside.most.Load(), inside.ever.Load())
		if got := inside.most.Load(); got < atLeast || got > atMost {
			t.Errorf("%d inside, want %d to %d", got, atLeast, atMost)
		}
	}
	f(places-1, places) // the others may have all
	one := gateways[0].Enter(t.Context(), what, places)
	r.Kill()
	f(4, 5) // a third of seven is two, and one is held
	r.Restart(t)
	for _, g := range gateways {
		harness.Eventually(t, 5*time.Second, func() error {
			if g.link.isAway() {
				return errAway
			}
			return nil
		})
	}
	f(1, places-1)
	c := look(t, r)
	harness.Eventually(t, 3*time.Second, func() error {
		if n := c.ZCard(t.Context(), gateways[0].name+what).Val(); n != 1 {
			return fmt.Errorf("%d places are taken, want the one that is held", n)
		}
		return nil
	})
	pastSettling(t, c, gateways[0])
	f(places-2, places-1)
	one()
	f(places-1, places)
}

// A gateway without Redis that has its part already gets no more, whoever gave it the places.
func TestPartCountsAllPlaces(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	gateways := fleetOf(t, r.URL, 3)
	pastSettling(t, look(t, r), gateways[0])
	g := gateways[0]
	var leave [3]func()
	for i := range leave {
		leave[i] = g.Enter(t.Context(), what, 6)
	}
	r.Kill()
	if g.Enter(until(t, time.Second), what, 6) != nil {
		t.Error("a fourth place of two")
	}
	leave[0]()
	if g.Enter(until(t, 300*time.Millisecond), what, 6) != nil {
		t.Error("a third place of two")
	}
	leave[1]()
	leave[1]() // which does nothing
	if g.Enter(until(t, 300*time.Millisecond), what, 6) == nil {
		t.Error("no second place of two")
	}
	if g.Enter(until(t, 300*time.Millisecond), what, 6) != nil {
		t.Error("a place was given back twice")
	}
}

// One call that Redis did not answer in time lets nobody in beyond what all may have.
func TestSlowRedisGivesNoPlaces(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	gateways, c := fleetOf(t, r.URL, 2), look(t, r)
	pastSettling(t, c, gateways[0])
	gateways[0].take(t, 2, 2)
	if err := c.ClientPause(t.Context(), patience+50*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	if gateways[1].Enter(until(t, 2*patience), what, 2) != nil {
		t.Error("a third place of two")
	}
	if gateways[1].link.isAway() {
		t.Error("redis counts as away: this shows nothing")
	}
}

// Who did not hear that it has a place finds that out by asking again.
func TestPlaceIsAskedForAgain(t *testing.T) {
	t.Parallel()
	g := fleetOf(t, harness.StartRedis(t).URL, 1)[0]
	mine, other := ticket{g.name + what, g.places.token()}, ticket{g.name + what, g.places.token()}
	if !g.enter(t.Context(), mine, 1) || g.enter(t.Context(), other, 1) || !g.enter(t.Context(), mine, 1) {
		t.Error("the place is not whose it is")
	}
}

func TestRateWithoutRedis(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	gateways := fleetOf(t, r.URL, 3)
	const rate, seconds = 150, 1
	f := func(n int) float64 {
		t.Helper()
		return takers(until(t, seconds*time.Second), gateways[:n], 2, 1, rate) / seconds
	}
	r.Kill()
	takers(until(t, 500*time.Millisecond), gateways, 2, 1, rate) // until it counts as away
	for n := 1; n <= 3; n += 2 {
		got, want := f(n), float64(rate*n)/3
		t.Logf("%d of 3 gateways: %.1f a second, want %.1f", n, got, want)
		if math.Abs(got-want) > want/4 {
			t.Errorf("%d of 3 gateways: %.1f a second, want %.1f", n, got, want)
		}
	}
	r.Restart(t)
	harness.Eventually(t, 10*time.Second, func() error {
		if got := f(3); math.Abs(got-rate) > rate/5 {
			return fmt.Errorf("%.1f a second at %d", got, rate)
		} else if n := look(t, r).Exists(t.Context(), gateways[0].name+"max_rate").Val(); n != 1 {
			return fmt.Errorf("redis was not asked")
		}
		return nil
	})
}

// What others have put where our notes belong is left alone and counted, and each gateway takes its part.
func TestForeignNotesOfBudgets(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	g, c := fleetOf(t, r.URL, 3)[0], look(t, r)
	f := func(key string, put func(key string) error) {
		t.Helper()
		c.FlushAll(t.Context())
		*g.Budget = *g.Fleet.Budget("site", "rule")
		if err := put(key); err != nil {
			t.Fatal(err)
		}
		was, before := g.link.foreign.Load(), c.Dump(t.Context(), key).Val()
		if g.link.isAway() {
			t.Fatal("redis counts as away")
		}
		if strings.Contains(key, what) {
			a, b := g.Enter(until(t, 300*time.Millisecond), what, 6), g.Enter(until(t, 300*time.Millisecond), what, 6)
			if a == nil || b == nil || g.Enter(until(t, 60*time.Millisecond), what, 6) != nil {
				t.Errorf("%s: not a third of the places", key)
			}
			a()
			b()
		} else if wait, ok := g.Take(t.Context(), "max_rate", 3, 3, 1, time.Minute); !ok || wait < 2500*time.Millisecond {
			t.Errorf("%s: waits %s, %t: not a third of the rate", key, wait, ok)
		}
		if g.link.foreign.Load() == was || c.Dump(t.Context(), key).Val() != before {
			t.Errorf("%s: not counted, or not left alone", key)
		}
	}
	set := func(value string) func(string) error {
		return func(key string) error { return c.Set(t.Context(), key, value, 0).Err() }
	}
	list := func(key string) error { return c.LPush(t.Context(), key, "x").Err() }
	f(g.name+what, list)
	f(g.name+what, set("1 5"))
	f(g.name+what+":since", list)
	f(g.name+"max_rate", list)
	for _, value := range []string{"", "x", "2 5", "1 ", "1 -5", "1 5 ", "1 0x5", "1 1e3", "1 99999999999999999999", "1 5\n"} {
		f(g.name+what+":since", set(value))
		f(g.name+"max_rate", set(value))
	}
}

// Every note ends by itself.
func TestBudgetNotesEnd(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	g, c := fleetOf(t, r.URL, 1)[0], look(t, r)
	c.ZAdd(t.Context(), g.name+what, scored(time.Now().Add(-time.Second), "1 a 1"))
	g.Enter(t.Context(), what, 5)
	if n := c.ZCard(t.Context(), g.name+what).Val(); n != 1 {
		t.Errorf("%d places are kept: also one that has ended", n)
	}
	g.Take(t.Context(), "max_rate", 10, 1, 1, time.Minute)
	f := func(note string, atMost time.Duration) {
		t.Helper()
		if left := c.PTTL(t.Context(), g.name+note).Val(); left <= 0 || left > atMost {
			t.Errorf("%s lasts %s", note, left)
		}
	}
	f(what, g.places.lasts)
	f(what+":since", sinceLasts)
	f("max_rate", 12*time.Second)
	if keys := c.Keys(t.Context(), "*").Val(); len(keys) != 3 {
		t.Errorf("there are also others: %q", keys)
	}
}

// A clock that was set back, as after a failover, does not keep anybody waiting.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	g, c := fleetOf(t, r.URL, 1)[0], look(t, r)
	ahead := time.Now().Add(time.Hour)
	c.Set(t.Context(), g.name+"max_rate", fmt.Sprint("1 ", ahead.UnixMicro()), 0)
	if wait, ok := g.Take(t.Context(), "max_rate", 1, 1, 1, time.Second); !ok || wait != 0 {
		t.Errorf("waits %s, %t", wait, ok)
	}
	c.Set(t.Context(), g.name+what+":since", fmt.Sprint("1 ", ahead.UnixMilli()), 0)
	c.ZAdd(t.Context(), g.name+what, scored(ahead, "1 a 1"), scored(ahead, "1 b 1"))
	if g.Enter(until(t, time.Second), what, 1) == nil {
		t.Error("places that last an hour were believed")
	}
}

// All that one script uses lies on one node of a Cluster.
func TestBudgetOnACluster(t *testing.T) {
	t.Parallel()
	bus := strconv.Itoa(harness.FreePort(t))
	r := harness.StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus)
	c := look(t, r)
	if err := c.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 10*time.Second, func() error { return c.Set(t.Context(), "x", "y", time.Minute).Err() })
	gateways := fleetOf(t, r.URL+"?cluster=true", 3)
	pastSettling(t, c, gateways[0])
	var inside tally
	crowd(until(t, time.Second), gateways, 4, 3, &inside)()
	if n := gateways[0].link.foreign.Load(); inside.most.Load() < 2 || inside.most.Load() > 3 || n != 0 || gateways[0].link.isAway() {
		t.Errorf("%d inside, %d foreign, away %t", inside.most.Load(), n, gateways[0].link.isAway())
	}
	if _, ok := gateways[0].Take(t.Context(), "max_rate", 1, 1, 1, 0); !ok || c.Exists(t.Context(), gateways[0].name+"max_rate").Val() != 1 {
		t.Error("nothing was taken")
	}
	harness.Eventually(t, 3*time.Second, func() error { return noPlaces(t, c, gateways[0]) })
}
