package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/configs"
	"mirrorgate/test/harness"
)

// A pull that was lost with another gateway is made by this one's own rules: what can be had is saved, what nobody has
// or may keep is nothing to do, and everything else is a failure.
func TestPullAgain(t *testing.T) {
	var asked, broken atomic.Int64
	hold := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch {
		case broken.Load() > 0:
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasPrefix(r.URL.Path, "/missing"):
			http.NotFound(w, r)
		case strings.HasPrefix(r.URL.Path, "/private"):
			w.Header().Set("Cache-Control", "no-store")
			_, _ = io.WriteString(w, "private")
		case strings.HasPrefix(r.URL.Path, "/slow"):
			<-hold
			fallthrough
		default:
			_, _ = io.WriteString(w, r.URL.Path+"?"+r.URL.RawQuery)
		}
	}))
	defer origin.Close()
	p := serveFor(t, fmt.Sprintf(`
rules:
  - {id: query, match: {prefix: q/}, origin: {primary: %[1]q}, forward: {query: key}}
  - {id: deny, match: {prefix: denied/}, mode: deny}
  - {id: proxy, match: {prefix: proxied/}, mode: proxy, origin: {primary: %[1]q}}
  - {id: files, match: {suffix: .bin}, origin: {primary: %[1]q, breaker: {failures: 0}}}`, origin.URL))
	f := func(site, key, want string, requests int64, saved bool) {
		t.Helper()
		before := asked.Load()
		err := p.gateway.PullAgain(t.Context(), site, key)
		if got := fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%q: %v, want %s", key, err, want)
		}
		if n := asked.Load() - before; n != requests {
			t.Errorf("%q: %d requests to the origin, want %d", key, n, requests)
		}
		harness.Eventually(t, 20*time.Second, func() error {
			obj, err := p.now.Load().buckets["site"].Open(t.Context(), key, cache.ReadOptions{HeadersOnly: true})
			if (err == nil) != saved {
				return fmt.Errorf("%q: in the bucket: %+v, %v", key, obj, err)
			}
			return nil
		})
	}
	const done = "<nil>"
	f("site", "a/b.bin", done, 1, true)
	f("site", "a/b.bin", done, 0, true) // it is there
	f("site", "q/a?w=7", done, 1, true)
	f("site", "missing.bin", done, 1, false)
	f("site", "missing.bin", done, 0, false) // remembered
	f("site", "private.bin", done, 1, false)
	f("site", "denied/a.bin", done, 0, false)
	f("site", "proxied/a.bin", done, 0, false)
	f("site", "no rule", done, 0, false)
	f("site", ".mirrorgate/meta/a.bin", done, 0, false)
	f("site", "a\x00.bin", done, 0, false)
	f("site", strings.Repeat("k", 1100)+".bin", done, 0, false)
	f("other", "a.bin", `no site "other"`, 0, false)
	broken.Store(1)
	f("site", "c.bin", "500", 1, false)
	broken.Store(0)
	f("site", "c.bin", done, 1, true)

	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.gateway.PullAgain(short, "site", "slow.bin"); err == nil {
		t.Error("it did not wait for the end")
	}
	close(hold)
	f("site", "slow.bin", done, 0, true) // joined
}

// serveFor runs a gateway with one site before a directory until the test ends.
func serveFor(t *testing.T, settings string) *process {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`
server: {listen: %q, grace: 10s}
admin: {listen: ""}
data_dir: %q
sites:
- name: site
  hosts: ["*"]
  bucket: {dir: %q}
  %s
`, harness.FreeAddr(t), filepath.Join(dir, "data"), filepath.Join(dir, "bucket"), strings.TrimSpace(settings))
	cfg, err := configs.Parse([]byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	harness.Eventually(t, 20*time.Second, p.ready)
	return p
}
