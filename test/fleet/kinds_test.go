package fleet_test

import (
	"fmt"
	"testing"

	"mirrorgate/test/harness"
)

// TestRedisCluster and TestSentinel show on several servers what all else here shows on one.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	c := harness.StartRedisCluster(t)
	newStage(t, c.URLs...).suite(t, outage{
		begin: func(t *testing.T) { c.Nodes[1].Kill() },
		over: func(t *testing.T) {
			t.Helper()
			c.Nodes[1].Restart(t)
			c.WaitReady(t)
		},
	})
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	s := harness.StartSentinel(t)
	var killed *harness.Redis
	newStage(t, s.URLs...).suite(t, outage{
		begin: func(t *testing.T) { killed = s.FailOver(t) },
		over:  func(t *testing.T) { s.WaitFailedOver(t, killed) },
	})
}

// outage is what befalls one of several servers, and its end.
type outage struct {
	begin, over func(t *testing.T)
}

// suite is what must hold on each kind of Redis.
func (s *stage) suite(t *testing.T, o outage) {
	f := s.start(t, settings{members: few, memory: true, negative: negativeTTL.String()})
	run := func(name string, f func(t *testing.T)) {
		if !t.Run(name, f) {
			t.FailNow() // what follows would fail, too
		}
	}
	run("keys", func(t *testing.T) { f.manyKeys(t, "keys", formOf().keys/2) })
	run("stream", func(t *testing.T) { (&herd{fleet: f, clients: 30, size: "8MiB"}).come(t, 0) })
	run("absent", f.absent)
	run("replaced", f.replaced)
	run("outage", func(t *testing.T) {
		o.begin(t)
		f.wantAllRight(t, few, small("meanwhile", 10)...)
		o.over(t)
		f.pickedUp(t)
	})
	run("lost", func(t *testing.T) { f.lost(t, 1) })
}

// pickedUp waits until gateways act as one again, which they do by themselves: several cold keys in a row cost one pull.
func (f *fleet) pickedUp(t *testing.T) {
	t.Helper()
	n := 0
	harness.Eventually(t, patience, func() error {
		for range 3 {
			key := small(fmt.Sprintf("probe-%d", n), 1)[0]
			n++
			f.wantAllRight(t, len(f.members), key)
			if pulls := f.pulls(key); pulls > 1 {
				return fmt.Errorf("%s cost the origin %d requests", key, pulls)
			}
		}
		return nil
	})
	f.wantAllRight(t, 1, small("after", 10)...)
}
