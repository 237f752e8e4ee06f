package shared

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/test/harness"
)

func TestPlacesOfAllGateways(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	gateways, c := fleetOf(t, r.URL, 3), look(t, r)
	f := func(places, most int64) {
		t.Helper()
		var inside tally
		crowd(until(t, time.Second), gateways, 8, int(places), &inside)()
		t.Logf("%d places: at most %d inside, %d came", places, inside.most.Load(), inside.ever.Load())
		if got := inside.most.Load(); got > most || got < most-most/4 {
			t.Errorf("%d inside of %d places, at most %d of them should be taken", got, places, most)
		}
		harness.Eventually(t, 3*time.Second, func() error { return noPlaces(t, c, gateways[0]) })
	}
	f(7, 6) // at first two for each
	pastSettling(t, c, gateways[0])
	f(7, 7)
	f(1, 1)
}

func noPlaces(t *testing.T, c *redis.Client, g *sharer) error {
	if n := c.ZCard(t.Context(), g.name+what).Val(); n != 0 {
		return fmt.Errorf("%d places are taken", n)
	}
	return nil
}

// All places are one gateway's if the others want none: once it is certain that Redis has lost none.
func TestOneGatewayMayHaveAllPlaces(t *testing.T) {
	t.Parallel()
	gateways := fleetOf(t, harness.StartRedis(t).URL, 3)
	g := gateways[0]
	g.take(t, 2, 6)
	if g.Enter(until(t, 300*time.Millisecond), what, 6) != nil {
		t.Error("it got more than its part at once")
	}
	if g.Enter(until(t, 3*time.Second), what, 6) == nil {
		t.Fatal("it never gets more than its part")
	}
	g.take(t, 3, 6)
	if g.Enter(until(t, 200*time.Millisecond), what, 6) != nil {
		t.Error("it got a seventh place of six")
	}
}

func TestHeldPlacesLast(t *testing.T) {
	t.Parallel()
	gateways := fleetOf(t, harness.StartRedis(t).URL, 2)
	gateways[0].take(t, 1, 1)
	if gateways[1].Enter(until(t, 2*gateways[1].places.lasts), what, 1) != nil {
		t.Error("a place that is held was given to another")
	}
}

func TestKilledGatewaysPlacesComeBack(t *testing.T) {
	t.Parallel()
	gateways := fleetAt(t, harness.StartRedis(t).URL, 2, defaultPace())
	gateways[0].take(t, 1, 1)
	gateways[0].kill()
	died := time.Now()
	if gateways[1].Enter(until(t, 10*time.Second), what, 1) == nil {
		t.Fatal("the place of the dead gateway did not come back")
	}
	took := time.Since(died)
	t.Logf("it came back after %s", took)
	if took < 3*time.Second || took > 7*time.Second {
		t.Errorf("it came back after %s", took)
	}
}

func TestStoppedGatewayGivesItsPlacesBack(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	gateways := fleetAt(t, r.URL, 2, defaultPace())
	gateways[0].take(t, 1, 1)
	gateways[0].stop()
	if gateways[1].Enter(until(t, 3*time.Second), what, 1) == nil {
		t.Error("its place is still taken")
	}
}
