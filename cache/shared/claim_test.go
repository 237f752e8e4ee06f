package shared

import (
	"flag"
	"os"
	"sync"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

// TestMain lets more tests run at once than the machine has cores: most of their time they wait for servers and leases.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestSingle, TestCluster and TestSentinel show the same of all that a redis URL may name.
func TestSingle(t *testing.T) {
	t.Parallel()
	suite(t, harness.StartRedis(t).URL)
}

func TestCluster(t *testing.T) {
	t.Parallel()
	suite(t, harness.StartRedisCluster(t).URLs...)
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	suite(t, harness.StartSentinel(t).URLs...)
}

func suite(t *testing.T, urls ...string) {
	f := func(name string, test func(*testing.T, *fleet)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFleet(t, urls...))
		})
	}
	f("one of many claims", oneOfManyClaims)
	f("states", states)
	f("past", past)
	f("own lease", ownLease)
	f("late commit", lateCommit)
	f("dropped", dropped)
	f("settled", settled)
	f("negative", negative)
	f("unreachable", unreachable)
	f("expiry", expiry)
	f("stands", stands)
	f("drops", drops)
	f("news of a flush", newsOfAFlush)
	f("news in a row", newsInARow)
	f("purge", purgeAtOthers)
}

// oneOfManyClaims: of all that claim at the same time one gets the lease, and the others learn who.
func oneOfManyClaims(t *testing.T, f *fleet) {
	members := []*member{f.run(), f.run(), f.run(), f.run(), f.run()}
	const images = 40
	got := make([][]cache.Standing, images)
	var claims sync.WaitGroup
	for i := range images {
		got[i] = make([]cache.Standing, len(members))
		for j, m := range members {
			claims.Go(func() { got[i][j] = m.Claim(t.Context(), image(i), scope, nil) })
		}
	}
	claims.Wait()
	for i, standings := range got {
		holder, leases := "", 0
		for j, s := range standings {
			if s.Lease != nil {
				holder, leases = members[j].o.Member, leases+1
			}
		}
		if leases != 1 {
			t.Fatalf("%v: %d leases", image(i), leases)
		}
		for _, s := range standings {
			if err := is(s, "peer "+holder); s.Lease == nil && err != nil {
				t.Errorf("%v: %v", image(i), err)
			}
		}
	}
}

// states: pulled, committed, saved, and known to be saved for a while.
func states(t *testing.T, f *fleet) {
	a, b := f.run(), f.run()
	lease := a.claims(image(1), nil, "lease").Lease
	pulled := b.claims(image(1), nil, "peer member-1")
	want := holder{member: "member-1", advertise: "http://member-1:8080", note: pulled.Note}
	if got := pulled.Peer.(stub); got.holder != want || got.id != image(1) {
		t.Errorf("the peer is of %v at %+v, want %+v", got.id, got.holder, want)
	}
	lease.Commit(t.Context())
	if now := b.claims(image(1), nil, "peer member-1"); now.Note == pulled.Note {
		t.Errorf("after the commit it still stands %s", now.Note)
	}
	a.Saved(image(1))
	b.waitClaim(image(1), "saved")
	a.claims(image(1), nil, "saved") // also who saved it may have looked before
	lease = b.claims(image(1), new(b.claims(image(1), nil, "saved")), "lease").Lease
	a.claims(image(1), nil, "peer member-2")
	released := time.Now()
	lease.Release()
	lease.Release()
	lease.Commit(t.Context()) // does nothing either
	a.waitClaim(image(1), "lease")
	if took := time.Since(released); took > leaseTTL*3/4 {
		t.Errorf("the release took %v: the lease ended by itself", took)
	}
}

// past: what has turned out to be of no use is passed over, by one, and only while it still stands.
func past(t *testing.T, f *fleet) {
	a, b, c := f.run(), f.run(), f.run()
	a.claims(image(1), nil, "lease").Lease.Commit(t.Context())
	useless := b.claims(image(1), nil, "peer member-1")
	b.claims(image(1), &useless, "lease")
	c.claims(image(1), &useless, "peer member-2")

	lease := a.claims(image(2), nil, "lease").Lease
	a.Learnt(image(2), scope, &cache.NegativeError{Status: 404}, time.Minute)
	lease.Release()
	missing := b.waitClaim(image(2), "negative 404")
	b.claims(image(2), &missing, "lease")
}

// ownLease: a lease of this member which it does not hold is one of its former life, and its own pulls join each other.
func ownLease(t *testing.T, f *fleet) {
	f.idle().claims(image(1), nil, "lease")
	again := f.run(func(o *Options) { o.Member = "member-1" })
	lease := again.claims(image(1), nil, "lease").Lease
	again.claims(image(1), nil, "nothing")
	other := f.run()
	other.claims(image(1), nil, "peer member-1")
	lease.Release()
	other.waitClaim(image(1), "lease")
}

// lateCommit: an object that is saved before its pull has noted the commit is saved all the same.
func lateCommit(t *testing.T, f *fleet) {
	a, b := f.run(), f.run()
	lease := a.claims(image(1), nil, "lease").Lease
	a.Saved(image(1))
	b.waitClaim(image(1), "saved")
	lease.Commit(t.Context())
	b.claims(image(1), nil, "saved")
}

// dropped: what somebody took out of the spool is pulled again; what another holds stays that one's.
func dropped(t *testing.T, f *fleet) {
	a, b := f.run(), f.run()
	a.claims(image(1), nil, "lease").Lease.Commit(t.Context())
	b.Dropped(image(1))
	b.Saved(image(2))
	<-a.saved // and so what came before it
	b.claims(image(1), nil, "peer member-1")
	a.Dropped(image(1))
	b.waitClaim(image(1), "lease")
	lease := a.claims(image(3), nil, "lease").Lease
	lease.Commit(t.Context())
	lease.Release() // the spool has not taken it
	b.waitClaim(image(3), "lease")
}

// settled: a check that was made by one is settled for all, for its time.
func settled(t *testing.T, f *fleet) {
	a, b := f.run(), f.run()
	a.claims(image(1), nil, "lease").Lease.Settle(time.Minute)
	b.waitClaim(image(1), "saved")
	lease := a.claims(image(2), nil, "lease").Lease
	lease.Settle(100 * time.Millisecond)
	lease.Release() // does nothing
	b.waitClaim(image(2), "lease")
}

func negative(t *testing.T, f *fleet) {
	a, b := f.run(), f.run()
	learnt := func(id cache.ID, status int, ttl time.Duration) {
		lease := a.claims(id, nil, "lease").Lease
		a.Learnt(id, scope, &cache.NegativeError{Status: status}, ttl)
		lease.Release()
	}
	learnt(image(1), 404, time.Minute)
	learnt(image(2), 451, time.Minute)
	learnt(image(3), 404, 100*time.Millisecond)
	learnt(image(4), 404, time.Minute)
	b.waitClaim(image(4), "negative 404")
	b.claims(image(1), nil, "negative 404")
	b.claims(image(2), nil, "negative 451")
	b.waitClaim(image(3), "lease") // its time is over
	if err := is(b.Claim(t.Context(), image(1), "https://another.example", nil), "lease"); err != nil {
		t.Errorf("other targets: %v", err)
	}
	a.Saved(image(4))
	b.waitClaim(image(4), "saved")
	b.claims(image(4), new(b.claims(image(4), nil, "saved")), "lease") // not missing any more
}

// unreachable: a holder that cannot be followed is waited for, not for long.
func unreachable(t *testing.T, f *fleet) {
	a, b := f.run(func(o *Options) { o.Config.Advertise = "" }), f.run()
	a.claims(image(1), nil, "lease")
	began := time.Now()
	b.claims(image(1), nil, "nothing")
	if took := time.Since(began); took < waiting || took > 2*waiting {
		t.Errorf("it waited %v, want %v", took, waiting)
	}
	a.claims(image(2), nil, "lease")
	save := time.AfterFunc(waiting/4, func() { a.Saved(image(2)) })
	defer save.Stop()
	b.claims(image(2), nil, "saved")
	lease := a.claims(image(3), nil, "lease").Lease
	release := time.AfterFunc(waiting/4, lease.Release)
	defer release.Stop()
	b.claims(image(3), nil, "lease")
}

// expiry: a lease lasts as long as its holder lives.
func expiry(t *testing.T, f *fleet) {
	lives, dead, asker := f.run(), f.idle(), f.run()
	began := time.Now()
	lives.claims(image(1), nil, "lease")
	dead.claims(image(2), nil, "lease")
	asker.claims(image(2), nil, "peer "+dead.o.Member)
	asker.waitClaim(image(2), "lease")
	if took := time.Since(began); took < leaseTTL-time.Second || took > 2*leaseTTL {
		t.Errorf("the lease of a dead gateway lasted %v, want %v", took, leaseTTL)
	}
	asker.claims(image(1), nil, "peer "+lives.o.Member)
	lives.stop() // gives it back
	asker.claims(image(1), nil, "lease")
}

// stands: a follower learns whether the gateway that it follows is still the one.
func stands(t *testing.T, f *fleet) {
	a, frozen, b := f.run(), f.idle(), f.run()
	f2 := func(id cache.ID, note string, want bool) {
		t.Helper()
		if got := b.stands(t.Context(), id, note); got != want {
			t.Errorf("%v stands as %s: %v", id, note, got)
		}
	}
	lease := a.claims(image(1), nil, "lease").Lease
	note := b.claims(image(1), nil, "peer member-1").Note
	f2(image(1), note, true)
	f2(image(2), note, false)
	f2(image(1), "garbage", false)
	lease.Commit(t.Context())
	f2(image(1), note, true)
	frozen.claims(image(3), nil, "lease").Lease.Commit(t.Context())
	f2(image(3), b.claims(image(3), nil, "peer member-2").Note, false)
	b.claims(image(1), new(b.claims(image(1), nil, "peer member-1")), "lease")
	f2(image(1), note, false)
}

// drops: all but the one who saved it hear of an object, once.
func drops(t *testing.T, f *fleet) {
	a, b, c := f.run(), f.run(), f.run()
	const images = 300 // more than a batch
	for i := range images {
		a.Saved(image(i))
	}
	b.Saved(image(images))
	hears := func(m *member, first, end int) {
		t.Helper()
		seen := make(map[cache.ID]bool)
		for range end - first {
			seen[<-m.saved] = true
		}
		for i := first; i < end; i++ {
			if !seen[image(i)] {
				t.Errorf("%s has not heard of %v", m.o.Member, image(i))
			}
		}
	}
	hears(a, images, images+1)
	hears(b, 0, images)
	hears(c, 0, images+1)
	if n := len(a.saved) + len(b.saved) + len(c.saved); n > 0 {
		t.Errorf("something was heard twice, or of oneself: %d", n)
	}
}
