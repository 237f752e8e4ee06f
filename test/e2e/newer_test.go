package e2e_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// Bodies of an object: below the size of a part and above it, which is 16 MiB by default.
const (
	smallSize = 10_000
	partsSize = 16<<20 + 100_000
)

// An application that stores the object while it is being pulled has the newer one: the client gets what it asked for,
// the origin's bytes, and the bucket keeps the application's.
func TestPutDuringPull(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s *store) {
		bodies := map[string][]byte{
			"/small": harness.Truth{Seed: 10, Size: smallSize}.Bytes(),
			"/parts": harness.Truth{Seed: 11, Size: partsSize}.Bytes(),
			"/same":  harness.Truth{Seed: 12, Size: smallSize}.Bytes(),
		}
		newer := map[string][]byte{
			"/small": []byte("the application's"),
			"/parts": harness.Truth{Seed: 13, Size: partsSize + 5}.Bytes(), // in parts, too
			"/same":  harness.Truth{Seed: 14, Size: smallSize}.Bytes(),     // as long as the origin's
		}
		old := startHeld(t, bodies)
		g := serve(t, s, mirrorAll(old.url))
		downloads := make(map[string]*download)
		for path := range bodies {
			downloads[path] = g.start(t, path)
		}
		old.waitHeld(t, len(bodies))
		for path, body := range newer {
			s.put(t, strings.TrimPrefix(path, "/"), body, http.Header{"Content-Type": {"text/x-application"}})
		}
		old.open()
		for path, d := range downloads {
			wantPulled(t, d.end(t), bodies[path])
		}
		for path, body := range newer {
			wantNewer(t, g, path, body)
		}
		g.stopSaved(t)
		for path, body := range newer {
			s.want(t, strings.TrimPrefix(path, "/"), body)
		}
	})
}

func wantPulled(t *testing.T, got result, want []byte) {
	t.Helper()
	if got.status != http.StatusOK || got.err != nil || !bytes.Equal(got.body, want) {
		t.Errorf("the client got %d, %v, %s; want the origin's %s", got.status, got.err, brief(got.body), brief(want))
	}
}

// wantNewer fails the test unless the gateway answers with the application's object, and nothing of what the origin
// said of its own.
func wantNewer(t *testing.T, g *rig, path string, body []byte) {
	t.Helper()
	a := g.wantObject(t, path, body)
	equal(t, "Cache-Status of "+path, a.Header.Get("Cache-Status"), hitBucket)
	if a.Header.Get("ETag") == `"of-the-origin"` || a.Header.Get("Content-Type") == "text/x-origin" {
		t.Errorf("%s: the application's bytes under the origin's headers: %v", path, a.Header)
	}
	if g.store.server != nil {
		equal(t, "Content-Type of "+path, a.Header.Get("Content-Type"), "text/x-application")
	}
}

// An application that stores the object while the gateway is saving it has the newer one, too: even when every part has
// been sent and only the last request of the upload is missing.
func TestPutDuringSave(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		hold := startHold(t, s)
		bodies := map[string][]byte{
			"/small": harness.Truth{Seed: 15, Size: smallSize}.Bytes(),
			"/parts": harness.Truth{Seed: 16, Size: partsSize}.Bytes(),
		}
		old := startOrigin(t, func(w http.ResponseWriter, r *http.Request) { fixed(bodies[r.URL.Path])(w, r) })
		g := serve(t, s, mirrorAll(old.url))
		for path, body := range bodies {
			g.wantObject(t, path, body)
		}
		held := []string{receive(t, "a save", hold.arrived), receive(t, "a save", hold.arrived)}
		t.Logf("held back: %q", held)
		for path := range bodies {
			s.put(t, strings.TrimPrefix(path, "/"), []byte("the application's "+path), nil)
		}
		hold.open()
		g.stopSaved(t)
		for path := range bodies {
			s.want(t, strings.TrimPrefix(path, "/"), []byte("the application's "+path))
		}
	})
}
