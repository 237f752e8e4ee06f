package fleet_test

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// brokenSize is that of objects whose pull stops at their half.
const brokenSize = "24MiB"

// broken is a cold object that the first gateway pulls, and that stops at its half, while clients of the others read it.
type broken struct {
	*fleet
	key     string
	want    []byte
	gate    *origin.Gate
	half    []chan struct{} // closed when the client has nearly so much
	answers []answer
	reading sync.WaitGroup
}

// newBroken starts gateways of a fleet of their own and the clients, and returns when all have what there is. The first
// client is the first gateway's, which is so the one that pulls.
func newBroken(t *testing.T, s *stage, name string, object func(origin.Object) origin.Object) *broken {
	t.Helper()
	b := &broken{fleet: s.start(t, settings{members: few, secret: name}), key: sized("broken/"+name, brokenSize)}
	o := object(s.origin.Object("/" + b.key))
	s.origin.SetObject("/"+b.key, o)
	b.want = o.Truth.Bytes()
	b.gate = s.origin.Hold("/"+b.key, int64(len(b.want)/2))
	b.answers = make([]answer, few)
	t.Cleanup(b.reading.Wait) // if the test ends before
	for n := range b.members {
		b.half = append(b.half, make(chan struct{}))
		b.reading.Go(func() { b.answers[n] = b.read(t, n) })
		if n == 0 {
			s.waitAsked(t, b.key, 1)
		}
	}
	for n, came := range b.half {
		select {
		case <-came:
		case <-time.After(patience):
			t.Fatalf("the client of gateway %d has not got the object's half", n)
		}
	}
	return b
}

// read is one client.
func (b *broken) read(t *testing.T, n int) (a answer) {
	response, err := open(t.Context(), b.client, b.members[n].URL, b.key)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	a.status, a.header = response.StatusCode, response.Header
	if a.status == http.StatusOK {
		a.compare(&watched{Body: response, at: len(b.want)/2 - mib, come: sync.OnceFunc(func() { close(b.half[n]) })}, b.want)
	}
	return a
}

// watched tells when so many bytes of a body have come.
type watched struct {
	Body *http.Response
	at   int
	come func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Body.Body.Read(p)
	if w.at -= n; w.at <= 0 {
		w.come()
	}
	return n, err
}

// wantOthersRight waits for the clients of all gateways but the first.
func (b *broken) wantOthersRight(t *testing.T) {
	t.Helper()
	b.reading.Wait()
	for n, a := range b.answers[1:] {
		wantRight(t, fmt.Sprintf("gateway %d", n+1), a, b.want)
	}
}

// wantVisible fails the test if a client has something else than the object, or a part of it that shows that it is one.
func (b *broken) wantVisible(t *testing.T, n int) {
	t.Helper()
	a := b.answers[n]
	if a.wrong != nil || a.err == nil && a.right(b.want) != nil {
		t.Errorf("gateway %d: status %d, %d bytes, %v", n, a.status, a.got, a.wrong)
	}
}

// wantPulls fails the test if the origin was asked more often.
func (b *broken) wantPulls(t *testing.T, most int) {
	t.Helper()
	if pulls := b.pulls(b.key); pulls > most {
		t.Errorf("the origin was asked %d times, at most %d are due", pulls, most)
	}
}

// TestBrokenStreams: when the gateway that pulls for all ends or freezes halfway, the clients of the others get the rest
// under the origin's strong ETag, and else an end that shows. The origin is asked once more at most.
func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.StartRedis(t).URL)
	same := func(o origin.Object) origin.Object { return o }
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		b := newBroken(t, s, "killed", same)
		b.members[0].Kill()
		b.gate.Release()
		b.wantOthersRight(t)
		b.wantVisible(t, 0)
		b.wantPulls(t, 2)
		s.waitSaved(t, b.key)
	})
	t.Run("frozen", func(t *testing.T) {
		t.Parallel()
		b := newBroken(t, s, "frozen", same)
		b.members[0].Signal(syscall.SIGSTOP)
		began := time.Now()
		b.gate.Release()
		go func() {
			_ = s.origin.Wait(t.Context(), "/"+b.key, 2) // the test's end is one, too
			b.members[0].Signal(syscall.SIGCONT)
		}()
		b.wantOthersRight(t)
		t.Logf("all others have the object %v after the freeze", time.Since(began).Round(time.Millisecond))
		b.wantVisible(t, 0)
		b.wantPulls(t, 2)
		s.waitSaved(t, b.key)
	})
	t.Run("no strong ETag", func(t *testing.T) {
		t.Parallel()
		b := newBroken(t, s, "weak", func(o origin.Object) origin.Object { o.ETag = ""; return o })
		b.members[0].Kill()
		b.gate.Release()
		b.reading.Wait()
		for n := range b.members {
			b.wantVisible(t, n)
		}
		b.wantPulls(t, 2)
	})
	t.Run("changed", func(t *testing.T) {
		t.Parallel()
		b := newBroken(t, s, "changed", same)
		changed := s.origin.Object("/" + b.key).Version(1)
		s.origin.SetObject("/"+b.key, changed)
		b.members[0].Kill()
		b.gate.Release()
		b.reading.Wait()
		for n, a := range b.answers {
			if a.wrong != nil || a.err == nil {
				t.Errorf("gateway %d: %d bytes of an object that is there no more, %v", n, a.got, a.wrong)
			}
		}
		for n := 1; n < few; n++ {
			wantRight(t, "the new object", b.get(t, n, b.key, changed.Truth.Bytes()), changed.Truth.Bytes())
		}
	})
}
