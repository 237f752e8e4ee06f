package contract_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// wantUnasked fails the test unless the rule's state is why there is no answer.
func (l *live) wantUnasked(t *testing.T, target, state string, status int) {
	t.Helper()
	a := l.get(t, target)
	equal(t, target+": status", a.Status, status)
	equal(t, target+": Cache-Status", a.Header.Get("Cache-Status"), `mirrorgate; detail=`+state+`; rule="r"`)
}

// A rule that is retired answers as retired from then on, also what was remembered not to be there; one that was paused
// and is active again asks again.
func TestLiveStates(t *testing.T) {
	onLive(t, func(t *testing.T, start func(http.HandlerFunc) *live) {
		l := start(cutoverOrigin)
		const fresh, remembered = `mirrorgate; fwd=uri-miss; fwd-status=404; detail=primary; rule="r"`, "mirrorgate; hit; detail=negative"
		for _, want := range []string{fresh, remembered} {
			equal(t, "Cache-Status", l.get(t, "/a/missing").Header.Get("Cache-Status"), want)
		}
		l.put(t, switches{state: "retired"})
		l.wantUnasked(t, "/a/missing", "retired", 404)
		l.wantUnasked(t, "/a/new", "retired", 404)
		l.put(t, switches{state: "paused"})
		l.wantUnasked(t, "/a/missing", "paused", 503)
		l.wantUnasked(t, "/a/new", "paused", 503)
		l.o.wantTotal(t, 1)

		l.put(t, switches{})
		wantObject(t, l.get(t, "/a/new"), "0123456789", saved("r"))
		l.waitSaved(t, "a/new", "0123456789")
		l.o.wantTotal(t, 2)
	})
}

// What of a rule and a site can be switched off is off at once, and back at once.
func TestLiveSwitches(t *testing.T) {
	onLive(t, func(t *testing.T, start func(http.HandlerFunc) *live) {
		l := start(cutoverOrigin)
		l.put(t, switches{saveNothing: true})
		for range 2 {
			wantObject(t, l.get(t, "/a"), "0123456789", streamed("r"))
		}
		l.put(t, switches{disabled: true})
		equal(t, "status without a rule", l.get(t, "/a").Status, 404)
		equal(t, "Cache-Status without a rule", l.get(t, "/a").Header.Get("Cache-Status"), "")
		l.o.wantTotal(t, 2)
		l.put(t, switches{})
		wantObject(t, l.get(t, "/a"), "0123456789", saved("r"))
		l.waitSaved(t, "a", "0123456789")
		l.put(t, switches{disabled: true, saveNothing: true})
		wantHit(t, l.get(t, "/a"), "0123456789")
		l.o.wantTotal(t, 3)
		l.wantBucketHas(t, "a")
	})
}

// While saving is paused what is pulled waits, however long; after that it is saved.
func TestLiveUploadsPaused(t *testing.T) {
	onLive(t, func(t *testing.T, start func(http.HandlerFunc) *live) {
		l := start(echo)
		_ = l.get(t, "/before")
		l.waitSaved(t, "before", "/before")
		l.put(t, switches{uploadsPaused: true})
		const objects = 20
		for n := range objects {
			target := fmt.Sprintf("/a/%d", n)
			wantObject(t, l.get(t, target), target, saved("r"))
			wantObject(t, l.get(t, target), target, hitSpool)
		}
		l.wantBucketHas(t, "before")
		l.put(t, switches{})
		for n := range objects {
			l.waitSaved(t, fmt.Sprintf("a/%d", n), fmt.Sprintf("/a/%d", n))
		}
	})
}

// wantBucketHas fails the test unless these are the objects in the bucket.
func (l *live) wantBucketHas(t *testing.T, keys ...string) {
	t.Helper()
	var got []string
	for _, key := range l.keys(t) {
		if !isInternal(key) {
			got = append(got, key)
		}
	}
	equal(t, "the bucket's objects", strings.Join(got, " "), strings.Join(keys, " "))
}

// halves is an object whose second half the origin sends when the test lets it.
func halves(g *gate, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		g.pass(r)
		_, _ = w.Write(body[len(body)/2:])
	}
}

// A pull that is under way when its rule is retired ends as it began, for all who read it, and is saved. Who comes later
// is answered by the rule as it is then.
func TestLivePullUnderWay(t *testing.T) {
	body := harness.Truth{Seed: 1, Size: 1 << 20}.Bytes()
	onLive(t, func(t *testing.T, start func(http.HandlerFunc) *live) {
		g := newGate()
		l := start(halves(g, body))
		readers := []*http.Response{l.open(t, "/a"), l.open(t, "/a")}
		l.put(t, switches{state: "retired"})
		l.wantUnasked(t, "/a", "retired", 404)
		l.wantUnasked(t, "/b", "retired", 404)
		g.open()
		for _, r := range readers {
			wantRead(t, r, body)
		}
		l.waitSaved(t, "a", string(body))
		wantHit(t, l.get(t, "/a"), string(body))
		l.o.wantTotal(t, 1)
	})
}

// wantRead fails the test unless the answer's body is this to its end.
func wantRead(t *testing.T, r *http.Response, body []byte) {
	t.Helper()
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusOK || err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d, %v, %d bytes, right: %t", r.StatusCode, err, len(got), bytes.Equal(got, body))
	}
}

// Bodies that come from the bucket go on from there when the site becomes a proxy, and those from the origin go on when
// it is none any more. No answer is made of both.
func TestLiveServeOrigin(t *testing.T) {
	stored := harness.Truth{Seed: 1, Size: 32 << 20} // more than fits between the gateway and a client who does not read
	body := harness.Truth{Seed: 2, Size: 1 << 20}.Bytes()
	onLive(t, func(t *testing.T, start func(http.HandlerFunc) *live) {
		g := newGate()
		l := start(halves(g, body))
		stored.WriteFile(t, filepath.Join(l.bucket, "a"))
		fromBucket := l.open(t, "/a")
		l.put(t, switches{originOnly: true})
		fromOrigin := l.open(t, "/a")
		equal(t, "Cache-Status", fromOrigin.Header.Get("Cache-Status"), `mirrorgate; fwd=bypass; rule="r"`)
		l.put(t, switches{})
		wantHit(t, l.get(t, "/a"), string(stored.Bytes()))
		g.open()
		wantRead(t, fromBucket, stored.Bytes())
		wantRead(t, fromOrigin, body)
		l.o.wantTotal(t, 1)
		if info, err := os.Stat(filepath.Join(l.bucket, "a")); err != nil || info.Size() != stored.Size {
			t.Errorf("in the bucket: %v, %v", info, err)
		}
	})
}

// followed is within how long one gateway sees what another has changed.
const followed = 10 * time.Second

// A rule that is retired over the API of one gateway is retired at the other one of the bucket within seconds, and so it
// comes back.
func TestLiveFleet(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, cutoverOrigin)
	one := startLive(t, o, (*live).byAPI, "")
	two := startLive(t, o, (*live).byAPI, one.bucket)
	equal(t, "status", two.get(t, "/a/missing").Status, 404)
	one.put(t, switches{state: "retired"})
	two.waitAnswer(t, "/a/missing", `mirrorgate; detail=retired; rule="r"`)
	two.wantUnasked(t, "/a/new", "retired", 404)
	o.wantTotal(t, 1)
	one.put(t, switches{})
	two.waitAnswer(t, "/a/new", saved("r"))
	one.waitSaved(t, "a/new", "0123456789")
	wantHit(t, one.get(t, "/a/new"), "0123456789")
	o.wantTotal(t, 2)
}

// waitAnswer waits for this Cache-Status.
func (l *live) waitAnswer(t *testing.T, target, cacheStatus string) {
	t.Helper()
	began := time.Now()
	harness.Eventually(t, followed, func() error {
		if got := l.get(t, target).Header.Get("Cache-Status"); got != cacheStatus {
			return fmt.Errorf("%s: Cache-Status %s, want %s", target, got, cacheStatus)
		}
		return nil
	})
	t.Logf("followed after %v", time.Since(began).Round(time.Millisecond))
}
