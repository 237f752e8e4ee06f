package fleet_test

import (
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
	waits := []func(){f.asks(t, 0, key)}
	f.waitAsked(t, key, 1)
	for n := 1; n < len(f.members); n++ {
		waits = append(waits, f.asks(t, n, key))
	}
	const alone = 500 * time.Millisecond
	<-time.After(alone)
	if pulls := f.pulls(key); pulls != 1 {
		t.Errorf("while the first pulls the origin was asked %d times", pulls)
	}
	gate.Release()
	for _, wait := range waits {
		wait()
	}
	if pulls := f.pulls(key); pulls != 1 {
		t.Errorf("the origin was asked %d times", pulls)
	}
}

// tooLate: nobody waits long for an object that does not come.
func (f *fleet) tooLate(t *testing.T, folder string) {
	t.Helper()
	key := sized(folder, "1MiB")
	release := f.stalled(t, key)
	const soon = 6 * time.Second
	for n := 1; n < len(f.members); n++ {
		a := f.get(t, n, key, f.body(key))
		wantRight(t, "another", a, f.body(key))
		if a.took > soon {
			t.Errorf("gateway %d took %v, at most %v are due", n, a.took, soon)
		}
	}
	release()
	if pulls := f.pulls(key); pulls > len(f.members) {
		t.Errorf("the origin was asked %d times by %d gateways", pulls, len(f.members))
	}
	f.waitSaved(t, key)
}
