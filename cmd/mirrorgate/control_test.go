package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// Who warms a bucket learns of every key what came of it.
func TestPull(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/refused":
			w.WriteHeader(http.StatusForbidden)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/private":
			w.Header().Set("Cache-Control", "private")
			fallthrough
		default:
			_, _ = io.WriteString(w, "body of "+r.URL.Path)
		}
	}))
	defer old.Close()
	p := serveFor(t, fmt.Sprintf(`
rules:
  - {id: denied, mode: deny, match: {prefix: denied/}}
  - {id: all, origin: {primary: %q}}`, old.URL))
	f := func(site, key, want, wantErr string) {
		t.Helper()
		got, err := control{p}.Pull(t.Context(), site, key)
		if got != want || (err != nil) != (wantErr != "") || err != nil && !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s %q: %q, %v, want %q, %q", site, key, got, err, want, wantErr)
		}
	}
	f("site", "a", "pulled", "")
	f("site", "a", "present", "")
	harness.Eventually(t, 20*time.Second, func() error {
		_, err := p.now.Load().buckets["site"].Open(t.Context(), "a", cache.ReadOptions{HeadersOnly: true})
		return err
	})
	f("site", "a", "present", "")
	f("site", "missing", "gone at the origin", "")
	f("site", "missing", "gone at the origin", "") // remembered
	f("site", "refused", "", "403")
	f("site", "broken", "", "500")
	f("site", "private", "", "not kept: private")
	f("site", "denied/a", "", "no rule keeps")
	f("site", "", "", "no object")
	f("none", "a", "", "no site")
}

// A purge forgets what origins did not have.
func TestPurge(t *testing.T) {
	asked := 0
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.NotFound(w, r)
	}))
	defer old.Close()
	p := serveFor(t, fmt.Sprintf(`
negative_ttl: 1h
  rules: [{id: all, origin: {primary: %q}}]`, old.URL))
	c := control{p}
	f := func(want int) {
		t.Helper()
		resp, err := http.Get("http://" + p.ln.Addr().String() + "/a/b")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if asked != want {
			t.Errorf("the origin was asked %d times, want %d", asked, want)
		}
	}
	purge := func(keys []string, prefix *string, want int) {
		t.Helper()
		if got, err := c.Purge(t.Context(), "site", keys, prefix); got != want || err != nil {
			t.Errorf("%q, %v: %d, %v, want %d", keys, prefix, got, err, want)
		}
	}
	f(1)
	f(1)
	purge([]string{"a/b"}, nil, 1)
	f(2)
	prefix := "a/"
	purge(nil, &prefix, 1)
	f(3)
	purge([]string{"a"}, nil, 0)
	f(3)
	if _, err := c.Purge(t.Context(), "none", nil, &prefix); !errors.Is(err, admin.ErrNoSuch) {
		t.Errorf("of a site that is not there: %v", err)
	}
}

// The level changes for those who hold the logger already, and is one that the file could have.
func TestLogLevel(t *testing.T) {
	var said strings.Builder
	log, level := newLogger(configs.Log{Level: "info", Format: "text"}, &said)
	p := &process{log: log, level: level}
	c := control{p}
	held := log.With("site", "s")
	held.Debug("first")
	if err := c.SetLogLevel("debug"); err != nil || c.LogLevel() != "debug" {
		t.Errorf("%v, %q", err, c.LogLevel())
	}
	held.Debug("second")
	if text := said.String(); strings.Contains(text, "first") || !strings.Contains(text, "second") {
		t.Errorf("the log says %q", text)
	}
	for _, level := range []string{"", "DEBUG", "info+1", "loud"} {
		var invalid *admin.InvalidError
		if err := c.SetLogLevel(level); !errors.As(err, &invalid) || invalid.Mistakes[0].Path != "level" || p.level.Level() != slog.LevelDebug {
			t.Errorf("%q: %v, %v", level, err, p.level.Level())
		}
	}
}

// A level that the API has set holds until the next reload: a switch of a site, here or at another gateway, is none.
func TestLogLevelOutlivesSwitches(t *testing.T) {
	r := newReloads(t, oneSite)
	c, sites := control{r.process}, siteControl{r.process}
	if err := c.SetLogLevel("debug"); err != nil {
		t.Fatal(err)
	}
	site, err := sites.Site(t.Context(), "site")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sites.Switch(t.Context(), "site", site.ETag, admin.Switches{Save: new(false)}); err != nil {
		t.Fatal(err)
	}
	if got := c.LogLevel(); got != "debug" {
		t.Errorf("behind a switch the level is %s", got)
	}
	if _, err := c.Reload(t.Context()); err != nil || c.LogLevel() != "info" {
		t.Errorf("behind a reload the level is %s, %v", c.LogLevel(), err)
	}
}

// The mistakes of a configuration are told with path and line; other errors stay what they are.
func TestMistakesOfTheAPI(t *testing.T) {
	_, err := configs.Parse([]byte("log: {level: loud}\nsites: []\nhosts: []\n"), func(string) (string, bool) { return "", false })
	var told *admin.InvalidError
	if !errors.As(invalid(err), &told) || len(told.Mistakes) != 3 || told.Mistakes[0].Path != "log.level" || told.Mistakes[2].Line != 3 {
		t.Errorf("%v: %+v", err, told)
	}
	if other := errors.New("other"); invalid(other) != other || invalid(nil) != nil {
		t.Error("another error was changed")
	}
}
