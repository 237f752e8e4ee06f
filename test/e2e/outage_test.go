package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/minio/minio-go/v7"

	"mirrorgate/test/harness"
)

// outage is a way in which a bucket fails, and how it comes back.
type outage struct {
	name        string
	begin, over func(t *testing.T, s *store)
}

func outages() []outage {
	return []outage{
		{"stopped", stopServer, startServer},
		{"frozen", freeze, thaw},
		{"no such bucket", dropBucket, makeBucket},
	}
}

func stopServer(t *testing.T, s *store)  { s.server.Stop(t) }
func startServer(t *testing.T, s *store) { s.server.Restart(t) }

// freeze makes the server accept connections and answer nothing. It returns when the last of its threads stands still.
func freeze(t *testing.T, s *store) {
	t.Helper()
	s.server.Signal(syscall.SIGSTOP)
	harness.Eventually(t, patience, func() error {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.server.PID()))
		if err != nil || len(threads) == 0 {
			return fmt.Errorf("no threads of %s: %w", s.kind, err)
		}
		for _, name := range threads {
			stat, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			// proc(5): the state stands behind the name, which is in parentheses.
			if _, after, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(after, "T") {
				return fmt.Errorf("a thread of %s still runs: %s", s.kind, stat)
			}
		}
		return nil
	})
}

func thaw(_ *testing.T, s *store) { s.server.Signal(syscall.SIGCONT) }

func dropBucket(t *testing.T, s *store) {
	t.Helper()
	err := s.server.Client().RemoveBucketWithOptions(t.Context(), bucketName, minio.RemoveBucketOptions{ForceDelete: true})
	if err != nil {
		t.Fatalf("removing the bucket: %v", err)
	}
}

func makeBucket(t *testing.T, s *store) {
	t.Helper()
	s.server.CreateBucket(t, bucketName)
	s.put(t, "here", []byte("in the bucket"), nil)
}

// While the bucket cannot be read the answer is 503 for what it has and for what it lacks: nobody can tell which is
// which, and a pull of all that is in the bucket would be the end of the old server. When the bucket is back so is the
// gateway, by itself.
func TestBucketFailsWhileServing(t *testing.T) {
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			s := newMinIO(t)
			s.limit = "2s"
			old := startOrigin(t, echo)
			s.put(t, "here", []byte("in the bucket"), nil)
			g := serve(t, s, mirrorAll(old.url))
			g.wantObject(t, "/here", []byte("in the bucket"))

			o.begin(t, s)
			wantUnavailable(t, g, old)
			o.over(t, s)
			wantBack(t, g, old)
		})
	}
}

// The same at the start: the gateway serves, not ready, until the bucket is there.
func TestBucketFailsAtStart(t *testing.T) {
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			s := newMinIO(t)
			s.limit = "2s"
			old := startOrigin(t, echo)
			s.put(t, "here", []byte("in the bucket"), nil)
			o.begin(t, s)
			g := serveUnready(t, s, mirrorAll(old.url))
			waitUnready(t, g)
			wantUnavailable(t, g, old)
			waitUnready(t, g)
			o.over(t, s)
			g.WaitReady(t)
			wantBack(t, g, old)
		})
	}
}

// waitUnready waits until the gateway says that it is not ready, which is before it is: at its start.
func waitUnready(t *testing.T, g *rig) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		response, err := http.Get(g.URL + harness.HealthPath)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s: %d, want 503", harness.HealthPath, response.StatusCode)
		}
		return nil
	})
}

func wantUnavailable(t *testing.T, g *rig, old *origin) {
	t.Helper()
	for _, target := range []string{"/here", "/missing"} {
		g.wantError(t, target, http.StatusServiceUnavailable, "BucketUnavailable")
	}
	a := g.Get(t, "/missing", "Range", "bytes=0-1")
	equal(t, "status of a range", a.Status, http.StatusServiceUnavailable)
	equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
	for _, secret := range []string{g.store.server.SecretKey, strings.TrimPrefix(g.store.server.Endpoint, "http://")} {
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("the client is told %q: %s", secret, a.Body)
		}
	}
	if strings.Contains(g.Log(t), g.store.server.SecretKey) {
		t.Error("the secret key is in the log")
	}
	old.wantUnasked(t)
}

// wantBack waits until the bucket's object is answered again, and shows that misses are pulled and saved again.
func wantBack(t *testing.T, g *rig, old *origin) {
	t.Helper()
	g.waitHit(t, "/here", []byte("in the bucket"))
	g.wantObject(t, "/missing", asked("missing"))
	g.store.wait(t, "missing", asked("missing"))
	equal(t, "what was asked of the origin", fmt.Sprint(old.requests()), "[GET /missing]")
}

// A secret that is wrong from the start: 503, until the configuration is mended.
func TestWrongSecret(t *testing.T) {
	s := newMinIO(t)
	old := startOrigin(t, echo)
	s.put(t, "here", []byte("in the bucket"), nil)
	right := config(s, mirrorAll(old.url))
	wrong := strings.Replace(right, s.server.SecretKey, "not-the-secret-key", 1)
	g := &rig{harness.StartGateway(t, wrong, harness.NotReady()), s}
	waitUnready(t, g)
	wantUnavailable(t, g, old)
	waitUnready(t, g)
	g.WriteConfig(t, right)
	g.Restart(t)
	wantBack(t, g, old)
}

// A secret that becomes wrong while the gateway serves: MinIO itself refuses the signatures, which something on the way
// spoils for a while.
func TestSecretBecomesWrong(t *testing.T) {
	s := newMinIO(t)
	old := startOrigin(t, echo)
	s.put(t, "here", []byte("in the bucket"), nil)
	spoilt := startSpoiler(t, s)
	g := serve(t, s, mirrorAll(old.url))
	g.wantObject(t, "/here", []byte("in the bucket"))
	spoilt.Store(true)
	wantUnavailable(t, g, old)
	spoilt.Store(false)
	wantBack(t, g, old)
}

// A save that fails changes nothing for the client, and is tried again: the bucket's server is stopped when the last
// request of the upload is on its way. Until the server is back the object is answered from the spool.
func TestFailedSave(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		bodies := map[string][]byte{
			"/small": harness.Truth{Seed: 20, Size: smallSize}.Bytes(),
			"/parts": harness.Truth{Seed: 21, Size: partsSize}.Bytes(),
		}
		hold := startHold(t, s)
		old := startOrigin(t, func(w http.ResponseWriter, r *http.Request) { fixed(bodies[r.URL.Path])(w, r) })
		g := serve(t, s, mirrorAll(old.url))
		for path, body := range bodies {
			a := g.wantObject(t, path, body)
			equal(t, "Cache-Status", a.Header.Get("Cache-Status"), pulled("primary", "all"))
		}
		for range bodies {
			receive(t, "a save", hold.arrived)
		}
		s.server.Kill()
		hold.open()
		for path, body := range bodies {
			harness.Eventually(t, patience, func() error { return logged(t, g, "not saved yet", strings.TrimPrefix(path, "/")) })
			a := g.wantObject(t, path, body)
			equal(t, "Cache-Status while the bucket is away", a.Header.Get("Cache-Status"), hitSpool)
			a = g.Get(t, path, "Range", "bytes=10-19")
			equal(t, "a range of it", string(a.Body), string(body[10:20]))
		}
		g.wantError(t, "/other", http.StatusServiceUnavailable, "BucketUnavailable")
		s.server.Restart(t)
		for path, body := range bodies {
			s.wait(t, strings.TrimPrefix(path, "/"), body)
			g.waitHit(t, path, body)
		}
		equal(t, "requests to the origin", len(old.requests()), len(bodies))
		g.stopSaved(t)
	})
}

// logged is nil when a line of the gateway's log has all these texts.
func logged(t *testing.T, g *rig, texts ...string) error {
	t.Helper()
lines:
	for line := range strings.Lines(g.Log(t)) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		return nil
	}
	return fmt.Errorf("no line of the log has %q", texts)
}
