package e2e_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// queued is how many objects wait to be saved when the gateway ends.
const queued = 20

// queueBodies are small objects and one that is saved in parts.
func queueBodies() map[string][]byte {
	bodies := map[string][]byte{"/queue/parts": harness.Truth{Seed: 30, Size: partsSize}.Bytes()}
	for i := range queued - 1 {
		bodies[fmt.Sprintf("/queue/%d é", i)] = harness.Truth{Seed: 31 + uint64(i), Size: smallSize + int64(i)}.Bytes()
	}
	return bodies
}

// fillQueue pulls all bodies while the bucket's server, if there is one, takes no save: it is frozen when every pull
// has found the bucket empty and has half of its body. It returns when every client has got all.
func fillQueue(t *testing.T, g *rig, old *held, bodies map[string][]byte) {
	t.Helper()
	downloads := make(map[string]*download)
	for name := range bodies {
		downloads[name] = g.start(t, path(name[1:]))
	}
	old.waitHeld(t, len(bodies))
	if g.store.server != nil {
		freeze(t, g.store)
	}
	old.open()
	for name, d := range downloads {
		wantPulled(t, d.end(t), bodies[name])
	}
}

// A gateway that is told to stop while objects wait to be saved ends in its time, and saves them when it is started
// again: all of them, without asking the origin.
func TestStopWithQueue(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		bodies := queueBodies()
		old := startHeld(t, bodies)
		g := &rig{harness.StartGateway(t, graceful("1s", config(s, mirrorAll(old.url)))), s}
		fillQueue(t, g, old, bodies)
		equal(t, "exit code", g.Stop(t), 0)
		if strings.Contains(g.Log(t), "waiting_in_spool=0") {
			t.Error("nothing waits in the spool: the server was not frozen in time")
		}
		thaw(t, s)
		g.Restart(t)
		wantQueueSaved(t, g, old, bodies)
	})
}

// A server that hangs in the middle of an upload in parts does not keep the gateway from ending when its time is over.
func TestStopWhileServerHangs(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		hold := startHold(t, s)
		body := harness.Truth{Seed: 61, Size: partsSize}.Bytes()
		old := startOrigin(t, fixed(body))
		g := &rig{harness.StartGateway(t, graceful("1s", config(s, mirrorAll(old.url)))), s}
		g.wantObject(t, "/parts", body)
		receive(t, "the end of the upload", hold.arrived)
		freeze(t, s)
		began := time.Now()
		equal(t, "exit code", g.Stop(t), 0)
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("ended %v after the signal, server.grace is 1s", took.Round(time.Millisecond))
		}
		thaw(t, s)
		hold.open()
		g.Restart(t)
		s.wait(t, "parts", body)
		// The upload that was broken off may have ended all the same; the entry goes when the gateway has seen that.
		harness.Eventually(t, patience, func() error {
			left, err := filepath.Glob(filepath.Join(g.DataDir, "spool", "pending", "*", "*", "*.json"))
			if err == nil && len(left) > 0 {
				err = fmt.Errorf("%d objects are left in the spool", len(left))
			}
			return err
		})
		g.stopSaved(t)
	})
}

func wantQueueSaved(t *testing.T, g *rig, old *held, bodies map[string][]byte) {
	t.Helper()
	for name, body := range bodies {
		g.store.wait(t, name[1:], body)
	}
	for name, body := range bodies {
		a := g.waitHit(t, path(name[1:]), body)
		equal(t, "Content-Type", a.Header.Get("Content-Type"), "text/x-origin")
		equal(t, "ETag", a.Header.Get("ETag"), `"of-the-origin"`)
	}
	equal(t, "requests to the origin", len(old.requests()), len(bodies))
	g.stopSaved(t)
	wantEmptySpool(t, g)
}

// wantEmptySpool fails the test if anything of an object is left in the spool of a gateway that has stopped.
func wantEmptySpool(t *testing.T, g *rig) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(g.DataDir, "spool"), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("left in the spool: %s", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A gateway that is killed when its clients have got their objects saves them after its next start. What had not come
// whole is in no bucket, and is pulled again by the next who asks.
func TestKillWithQueue(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s *store) {
		bodies := queueBodies()
		old := startHeld(t, bodies)
		half := harness.Truth{Seed: 60, Size: 1 << 20}.Bytes()
		unfinished := startHeld(t, map[string][]byte{"/unfinished": half})
		g := serve(t, s, fmt.Sprintf("{id: unfinished, match: {prefix: unfinished}, origin: {primary: %q}}", unfinished.url),
			mirrorAll(old.url))
		cut := g.start(t, "/unfinished")
		unfinished.waitHeld(t, 1)
		fillQueue(t, g, old, bodies)
		g.Kill()

		if r := cut.end(t); r.err == nil || len(r.body) >= len(half) {
			t.Errorf("the client of the unfinished pull got %d bytes and %v", len(r.body), r.err)
		}
		if s.server != nil {
			wantServedFromSpool(t, g, bodies)
			thaw(t, s)
		}
		g.Restart(t)
		s.wantAbsent(t, "unfinished")
		unfinished.open()
		g.wantObject(t, "/unfinished", half)
		s.wait(t, "unfinished", half)
		wantQueueSaved(t, g, old, bodies)
	})
}

// wantServedFromSpool starts a gateway on the data of the killed one while the bucket's server is still away: what
// waits is answered from the spool.
func wantServedFromSpool(t *testing.T, killed *rig, bodies map[string][]byte) {
	t.Helper()
	s := *killed.store
	s.limit = "1s"
	next := &rig{harness.StartGateway(t, graceful("1s", config(&s, mirrorAll("http://127.0.0.1:9"))),
		harness.WithDataDir(killed.DataDir), harness.NotReady()), &s}
	waitUnready(t, next)
	a := next.wantObject(t, "/queue/parts", bodies["/queue/parts"])
	equal(t, "Cache-Status", a.Header.Get("Cache-Status"), hitSpool)
	equal(t, "ETag", a.Header.Get("ETag"), `"of-the-origin"`)
	next.wantError(t, "/queue/nothing", http.StatusServiceUnavailable, "BucketUnavailable")
	equal(t, "exit code", next.Stop(t), 0)
}
