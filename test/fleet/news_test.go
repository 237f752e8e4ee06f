package fleet_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// negativeTTL is how long it is known that an origin lacks an object.
const negativeTTL = 2 * time.Second

// absent: that the origin lacks an object is learnt once for all, for its time.
func (f *fleet) absent(t *testing.T) {
	const key = "news/absent"
	f.origin.Set("/"+key, func(_ *origin.Request, a *origin.Answer) { *a = *origin.Status(http.StatusNotFound) })
	began := time.Now()
	for n := range f.members {
		f.wantAbsent(t, n, key)
	}
	if pulls, took := f.pulls(key), time.Since(began); pulls != 1 && took < negativeTTL {
		t.Errorf("%d gateways asked the origin %d times within %v", len(f.members), pulls, took)
	}
	pulls, n := f.pulls(key), 0
	harness.Eventually(t, patience, func() error {
		f.wantAbsent(t, n%len(f.members), key)
		if n++; f.pulls(key) == pulls {
			return fmt.Errorf("the origin has not been asked again")
		}
		return nil
	})
	if took := time.Since(began); took < negativeTTL {
		t.Errorf("the origin was asked again after %v", took)
	}
}

func (f *fleet) wantAbsent(t *testing.T, n int, key string) {
	t.Helper()
	a := f.get(t, n, key, nil)
	if a.status != http.StatusNotFound || a.err != nil || !strings.Contains(string(a.text), "<Code>NoSuchKey</Code>") {
		t.Fatalf("gateway %d: %d, %v, %s", n, a.status, a.err, a.text)
	}
}

// replaced: an object that one has replaced leaves the memory of all.
func (f *fleet) replaced(t *testing.T) {
	key := sized("news", "10KiB")
	f.wantAllRight(t, 1, key)
	f.waitSaved(t, key)
	f.waitInMemory(t, key)
	changed := f.origin.Object("/" + key).Version(1)
	f.origin.SetObject("/"+key, changed)
	if said := f.members[0].post(t, "/api/v1/refresh", fmt.Sprintf(`{"site": "site", "keys": [%q]}`, key)); !strings.Contains(said, "replaced") {
		t.Fatalf("the refresh: %s", said)
	}
	began := time.Now()
	const soon = 2 * time.Second // an hour is what memory would keep it otherwise
	for n := range f.members {
		harness.Eventually(t, soon, func() error {
			return get(t.Context(), f.client, f.members[n].URL, key, changed.Truth.Bytes()).right(changed.Truth.Bytes())
		})
	}
	t.Logf("all gateways have the new object after %v", time.Since(began).Round(time.Millisecond))
}
