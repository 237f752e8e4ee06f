package fleet_test

import (
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// TestUnreachable: of a gateway that others cannot reach, they wait a while for what it pulls, and then pull it themselves.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	alone := func(int) string { return "" }
	nowhere := func(int) string { return "http://127.0.0.1:1" }
	s := newStage(t, harness.StartRedis(t).URL)
	t.Run("saved meanwhile", func(t *testing.T) {
		t.Parallel()
		s.start(t, settings{members: few, secret: "saved", advertise: alone}).savedMeanwhile(t)
	})
	t.Run("too late", func(t *testing.T) {
		t.Parallel()
		s.start(t, settings{members: few, secret: "late", advertise: alone}).tooLate(t, "late")
	})
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		s.start(t, settings{members: few, secret: "nowhere", advertise: nowhere}).tooLate(t, "nowhere")
	})
}

// savedMeanwhile: an object that comes soon costs one pull all the same. That nobody else pulls at once is watched for a
// while, in which a gateway on its own would have done so.
func (f *fleet) savedMeanwhile(t *testing.T) {
	t.Helper()
	key := sized("soon", "100KiB")
	gate := f.origin.Hold("/"+key, origin.BeforeHead)
	var asking sync.WaitGroup
	asking.Go(func() { wantRight(t, "the first", f.get(t, 0, key, f.body(key)), f.body(key)) })
	f.waitAsked(t, key, 1)
	for n := 1; n < len(f.members); n++ {
		asking.Go(func() { wantRight(t, "another", f.get(t, n, key, f.body(key)), f.body(key)) })
	}
	const alone = 500 * time.Millisecond
	<-time.After(alone)
	if pulls := f.pulls(key); pulls != 1 {
		t.Errorf("while the first pulls the origin was asked %d times", pulls)
	}
	gate.Release()
	asking.Wait()
	if pulls := f.pulls(key); pulls != 1 {
		t.Errorf("the origin was asked %d times", pulls)
	}
}

// tooLate: nobody waits long for an object that does not come.
func (f *fleet) tooLate(t *testing.T, folder string) {
	t.Helper()
	key := sized(folder, "1MiB")
	f.origin.Set("/"+key, func(r *origin.Request, a *origin.Answer) {
		if r.Number == 1 {
			a.StallAt(r.At(), 0)
		}
	})
	var first sync.WaitGroup
	first.Go(func() { wantRight(t, "the first", f.get(t, 0, key, f.body(key)), f.body(key)) })
	f.waitAsked(t, key, 1)
	const soon = 6 * time.Second
	for n := 1; n < len(f.members); n++ {
		a := f.get(t, n, key, f.body(key))
		wantRight(t, "another", a, f.body(key))
		if a.took > soon {
			t.Errorf("gateway %d took %v, at most %v are due", n, a.took, soon)
		}
	}
	f.origin.Release("/" + key)
	first.Wait()
	if pulls := f.pulls(key); pulls > len(f.members) {
		t.Errorf("the origin was asked %d times by %d gateways", pulls, len(f.members))
	}
	f.waitSaved(t, key)
}
