package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const (
	coldKeys   = 1000
	askedEach  = 10  // times each of them is asked for
	keyClients = 256 // at one time
)

// TestHerdOfKeys: many clients of many small cold objects cost the origin one request for each object, and each object
// gets into the bucket.
func TestHerdOfKeys(t *testing.T) {
	o := origin.Start(t, origin.Config{})
	g := serve(t, fmt.Sprintf(`{id: r, origin: {primary: %q}}`, o.URL()))
	var paths []string
	for n := range coldKeys {
		paths = append(paths, fmt.Sprintf("/~sound,size=%d/%d.bin", 1+n*17, n))
	}
	askKeys(t, g, o, paths)
	harness.Eventually(t, patience, func() error {
		if writes := g.writes(t); writes != coldKeys {
			return fmt.Errorf("%d objects are saved, not %d", writes, coldKeys)
		}
		return nil
	})
	files := g.drain(t)
	if len(files) != coldKeys {
		t.Errorf("the bucket has %d objects, not %d", len(files), coldKeys)
	}
	for _, path := range paths {
		body, err := os.ReadFile(files[strings.TrimPrefix(path, "/")])
		if err != nil || !bytes.Equal(body, o.Truth(path).Bytes()) {
			t.Errorf("%s in the bucket: %d bytes that are not the object, %v", path, len(body), err)
		}
		if asked := o.Requests(path); asked != 1 {
			t.Errorf("the origin was asked for %s %d times", path, asked)
		}
	}
	if asked := o.Requests(""); asked != coldKeys {
		t.Errorf("the origin was asked %d times, not %d", asked, coldKeys)
	}
}

// askKeys asks for each path a few times, in any order, and compares what comes.
func askKeys(t *testing.T, g *rig, o *origin.Server, paths []string) {
	client := &http.Client{
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: keyClients},
		Timeout:   patience,
	}
	defer client.CloseIdleConnections()
	order := make(chan string, coldKeys*askedEach)
	for _, n := range rand.Perm(cap(order)) {
		order <- paths[n%len(paths)]
	}
	close(order)
	var asking sync.WaitGroup
	for range keyClients {
		asking.Go(func() {
			for path := range order {
				if err := askKey(t.Context(), client, g.URL+path, o.Truth(path)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
	asking.Wait()
}

func askKey(ctx context.Context, client *http.Client, url string, want harness.Truth) error {
	a := get(ctx, client, url)
	switch {
	case a.Err != nil:
		return a.Err
	case a.Status != http.StatusOK:
		return fmt.Errorf("status %d: %.200s", a.Status, a.Body)
	}
	return want.Check(bytes.NewReader(a.Body))
}
