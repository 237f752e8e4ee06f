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

// How long the clients of others stand still at most when the gateway that pulls for all is killed, and when it freezes:
// then it takes a while until the others can tell.
const (
	afterKill   = 5 * time.Second
	afterFreeze = 15 * time.Second
)

// TestBrokenStreams: when the gateway that pulls for all ends or freezes halfway, the clients of the others get the rest
// under the origin's strong ETag, and else an end that shows. The origin is asked once more at most.
func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.StartRedis(t).URL)
	same := func(o origin.Object) origin.Object { return o }
	untagged := func(o origin.Object) origin.Object { o.ETag = ""; return o }
	f := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	f("killed", func(t *testing.T) {
		b := newBroken(t, s, "killed", same)
		b.members[0].Kill()
		b.gate.Release()
		b.wantOthersRight(t, afterKill)
	})
	f("frozen", func(t *testing.T) {
		b := newBroken(t, s, "frozen", same)
		b.members[0].Signal(syscall.SIGSTOP)
		b.gate.Release()
		go func() {
			_ = s.origin.Wait(t.Context(), "/"+b.key, 2) // the test's end is one, too
			b.members[0].Signal(syscall.SIGCONT)
		}()
		b.wantOthersRight(t, afterFreeze)
	})
	f("changed", func(t *testing.T) { newBroken(t, s, "changed", same).becomesAnother(t, same) })
	f("changed without a tag", func(t *testing.T) { newBroken(t, s, "untagged", untagged).becomesAnother(t, untagged) })
}

// wantOthersRight waits for the clients of all gateways but the first, and for the object in the bucket.
func (b *broken) wantOthersRight(t *testing.T, soon time.Duration) {
	t.Helper()
	began := time.Now()
	b.reading.Wait()
	took := time.Since(began)
	t.Logf("all have the object after %v", took.Round(time.Millisecond))
	if took > soon {
		t.Errorf("that took longer than %v", soon)
	}
	for n, a := range b.answers[1:] {
		wantRight(t, fmt.Sprintf("gateway %d", n+1), a, b.want)
	}
	if a := b.answers[0]; a.wrong != nil || a.err == nil && a.right(b.want) != nil {
		t.Errorf("gateway 0: status %d, %d bytes, %v", a.status, a.got, a.wrong)
	}
	if pulls := b.pulls(b.key); pulls > 2 {
		t.Errorf("the origin was asked %d times, at most twice is due", pulls)
	}
	b.waitSaved(t, b.key)
}

// becomesAnother kills the gateway that pulls, when the origin has another object by now: the rest of what clients have is
// nowhere, and they have to see that.
func (b *broken) becomesAnother(t *testing.T, object func(origin.Object) origin.Object) {
	t.Helper()
	changed := object(b.origin.Object("/" + b.key).Version(1))
	b.origin.SetObject("/"+b.key, changed)
	b.members[0].Kill()
	b.gate.Release()
	b.reading.Wait()
	for n, a := range b.answers {
		if a.wrong != nil || a.err == nil {
			t.Errorf("gateway %d: %d bytes of an object that is there no more, %v", n, a.got, a.wrong)
		}
	}
	for n := 1; n < few; n++ {
		want := changed.Truth.Bytes()
		wantRight(t, "the new object", b.get(t, n, b.key, want), want)
	}
}
