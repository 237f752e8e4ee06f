package shared

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

// late is how much later than planned a busy machine may do something.
const late = 2 * time.Second

func TestOutages(t *testing.T) {
	t.Parallel()
	f := func(name string, begin, end func(*testing.T, *harness.Redis)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.StartRedis(t)
			members := newFleet(t, server.URL)
			o := outage{
				t: t, a: members.run(short), b: members.run(short),
				begin: func() { begin(t, server) }, end: func() { end(t, server) },
			}
			o.run()
		})
	}
	f("killed", func(_ *testing.T, r *harness.Redis) { r.Kill() }, func(t *testing.T, r *harness.Redis) { r.Restart(t) })
	f("frozen", func(_ *testing.T, r *harness.Redis) { r.Signal(syscall.SIGSTOP) },
		func(_ *testing.T, r *harness.Redis) { r.Signal(syscall.SIGCONT) })
	f("read-only", func(t *testing.T, r *harness.Redis) {
		_, nobody, _ := net.SplitHostPort(harness.FreeAddr(t))
		r.Do(t, "replicaof", "127.0.0.1", nobody)
	}, func(t *testing.T, r *harness.Redis) { r.Do(t, "replicaof", "no", "one") })
	f("full", func(t *testing.T, r *harness.Redis) { r.Do(t, "config", "set", "maxmemory", "1mb") },
		func(t *testing.T, r *harness.Redis) { r.Do(t, "config", "set", "maxmemory", "0") })
}

func TestClusterNodeKilled(t *testing.T) {
	t.Parallel()
	c := harness.StartRedisCluster(t)
	members := newFleet(t, c.URLs...)
	o := outage{
		t: t, a: members.run(short), b: members.run(short),
		begin: c.Nodes[1].Kill,
		end: func() {
			c.Nodes[1].Restart(t)
			c.WaitReady(t)
		},
		partial: true,
	}
	o.run()
}

// TestSentinelFailsOver: what follows the master's end is an outage like another, which ends by itself.
func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	f := func(name string, end func(*harness.Redis)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.StartSentinel(t)
			members := newFleet(t, s.URLs...)
			master := s.Master(t)
			o := outage{
				t: t, a: members.run(short), b: members.run(short),
				begin: func() { end(master) }, end: func() { s.WaitFailedOver(t, master) },
				partial: true,
			}
			o.run()
		})
	}
	f("killed", (*harness.Redis).Kill)
	f("frozen", func(r *harness.Redis) { r.Signal(syscall.SIGSTOP) })
}

// outage is two gateways whose Redis goes away and comes back.
type outage struct {
	t          *testing.T
	a, b       *member
	begin, end func()
	partial    bool // some notes may be reached meanwhile, or all again before the end
	claimed    atomic.Int64
}

func (o *outage) run() {
	o.t.Helper()
	o.a.waitClaim(o.fresh(), "lease")
	o.begin()
	o.goesAway()
	if !o.partial {
		o.staysAway()
	}
	o.end()
	o.comesBack()
}

func (o *outage) fresh() cache.ID { return image(int(o.claimed.Add(1))) }

// goesAway: until the outage is noticed a claim takes no longer than a call to Redis may; one line says so.
func (o *outage) goesAway() {
	o.t.Helper()
	var longest time.Duration
	harness.Eventually(o.t, soon, func() error {
		for _, m := range []*member{o.a, o.b} {
			longest = max(longest, o.timed(func() { m.Claim(o.t.Context(), o.fresh(), scope, nil) }))
			if m.log.count("redis is away") == 0 {
				return fmt.Errorf("%s has not noticed", m.o.Member)
			}
		}
		return nil
	})
	o.t.Logf("noticed; the longest claim took %v", longest)
	if longest > 250*time.Millisecond+late {
		o.t.Errorf("a claim took %v", longest)
	}
}

// staysAway: while it is away nothing waits for it, and looking whether it is back changes nothing.
func (o *outage) staysAway() {
	o.t.Helper()
	const claims = 100
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var took []time.Duration
	for began := time.Now(); time.Since(began) < 3*probing/2; <-tick.C {
		took = append(took, o.timed(func() { o.manyClaims(claims) }))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	o.t.Logf("away; %d claims at once took %v, %v at most", claims, median, took[len(took)-1])
	if median > 125*time.Millisecond {
		o.t.Errorf("%d claims took %v: they wait for Redis", claims, median)
	}
	for _, m := range []*member{o.a, o.b} {
		if m.log.count("redis is away") != 1 || m.log.count("redis is back") != 0 {
			o.t.Errorf("%s said %d times that redis is away, and %d times that it is back",
				m.o.Member, m.log.count("redis is away"), m.log.count("redis is back"))
		}
	}
}

func (o *outage) manyClaims(n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := is(o.a.Claim(o.t.Context(), o.fresh(), scope, nil), "nothing"); err != nil {
				o.t.Error(err)
			}
		})
	}
	lease := o.a.held.add(o.a.Fleet, o.fresh(), leaseNote{member: "member-1", state: pulling, token: token})
	lease.Commit(o.t.Context())
	lease.Release()
	o.a.Saved(o.fresh())
	o.a.Learnt(o.fresh(), scope, &cache.NegativeError{Status: 404}, time.Minute)
	all.Wait()
}

// comesBack: without anybody's doing all is as before.
func (o *outage) comesBack() {
	o.t.Helper()
	began := time.Now()
	harness.Eventually(o.t, soon, func() error {
		id := o.fresh()
		if err := is(o.a.Claim(o.t.Context(), id, scope, nil), "lease"); err != nil {
			return err
		}
		return is(o.b.Claim(o.t.Context(), id, scope, nil), "peer member-1")
	})
	o.t.Logf("back after %v", time.Since(began))
	harness.Eventually(o.t, soon, func() error {
		o.a.Saved(image(0)) // one that is not heard is not said again
		select {
		case <-o.b.saved:
			return nil
		default:
			return fmt.Errorf("nothing is heard of what is saved")
		}
	})
	for _, m := range []*member{o.a, o.b} {
		away, back := m.log.count("redis is away"), m.log.count("redis is back")
		if away != back || away < 1 || away > 1 && !o.partial {
			o.t.Errorf("%s said %d times that redis is away, and %d times that it is back", m.o.Member, away, back)
		}
	}
}

func (o *outage) timed(what func()) time.Duration {
	began := time.Now()
	what()
	return time.Since(began)
}

// TestRestartEmpty: a Redis that has forgotten everything is told again who pulls what, and what may have been missed
// meanwhile is doubted.
func TestRestartEmpty(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	f := newFleet(t, server.URL)
	a, b := f.run(), f.run()
	pull := a.claims(image(1), nil, "lease")
	commit := a.claims(image(2), nil, "lease")
	server.Restart(t)
	noted := func() error {
		if server.Do(t, "exists", a.names.lease(image(1))) != int64(1) {
			return fmt.Errorf("%v is not noted", image(1))
		}
		return nil
	}
	harness.Eventually(t, soon, noted)
	a.waitDoubt(2)
	b.waitDoubt(2)
	if now := b.waitClaim(image(1), "peer member-1"); now.Note != pull.Note {
		t.Errorf("it is noted as %s, was %s", now.Note, pull.Note)
	}
	server.Do(t, "flushall")
	commit.Lease.Commit(t.Context())
	b.claims(image(2), nil, "peer member-1")
	harness.Eventually(t, soon, noted)
}

// TestStops: a gateway stops in a bounded time whatever Redis does.
func TestStops(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	f := newFleet(t, server.URL)
	m, never := f.run(short), f.idle(short, func(o *Options) { o.Config.Redis = Addresses{"redis://" + harness.FreeAddr(t)} })
	for i := range 2 * batch {
		m.Claim(t.Context(), image(i), scope, nil)
	}
	never.claims(image(1), nil, "nothing")
	server.Signal(syscall.SIGSTOP)
	began := time.Now()
	m.stop()
	if took := time.Since(began); took > lastWords+patience+3*late {
		t.Errorf("it took %v", took)
	}
	server.Signal(syscall.SIGCONT)
	m.claims(image(1), nil, "nothing") // asks nobody any more
}

// TestQueueIsBounded: what is too much for the queue is lost and counted, and nobody waits.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	server := harness.StartRedis(t)
	f := newFleet(t, server.URL)
	idle, other := f.idle(), f.run()
	for i := range queued + 10 {
		idle.Saved(image(i))
	}
	if lost := idle.writer.lost.Load(); lost != 10 {
		t.Errorf("%d writes are lost, want 10", lost)
	}
	for idle.writer.flush(t.Context(), nil) {
	}
	if lost := idle.writer.lost.Load(); lost != 10 {
		t.Errorf("%d writes are lost, want 10", lost)
	}
	for i := range queued { // in order
		if got := <-other.saved; got != image(i) {
			t.Fatalf("heard of %v, want %v", got, image(i))
		}
	}
}
