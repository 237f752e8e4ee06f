package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
)

// Taking a server out for a while: the backup answers, then nobody, and then all is as before.
func TestOriginsAreSteered(t *testing.T) {
	primary, backup := startNamed(t, "primary"), startNamed(t, "backup")
	p := serveFor(t, fmt.Sprintf(`
negative_ttl: 1h
  rules:
  - {id: denied, mode: deny, match: {prefix: denied/}}
  - {id: two, match: {prefix: two/}, origin: {primary: %q, backup: %q, failover_on: [connect]}}
  - {id: one, origin: {primary: %q}}`, primary, backup, primary))
	o := origins{p}
	f := func(path string, status int, body string) {
		t.Helper()
		resp, err := http.Get("http://" + p.ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status || !strings.Contains(string(raw), body) {
			t.Errorf("%s: %d, %s, %v, want %d, %s", path, resp.StatusCode, raw, err, status, body)
		}
		if after := resp.Header.Get("Retry-After"); status == 503 && after != "30" {
			t.Errorf("%s: Retry-After %q", path, after)
		}
	}
	states := func(want string) {
		t.Helper()
		got := ""
		for _, s := range o.List() {
			got += fmt.Sprintf("%s %s %s; ", s.Rule, s.Target, s.State)
		}
		if got != want {
			t.Errorf("the states are %q, want %q", got, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	states("two primary up; two backup up; one primary up; ")
	f("/two/a", 200, "primary")
	must(o.Drain(t.Context(), "site", "two", "primary"))
	states("two primary draining; two backup up; one primary up; ")
	f("/two/b", 200, "backup")
	f("/two/missing-at-backup", 404, "NoSuchKey")
	must(o.Pause(t.Context(), "site", "two"))
	states("two primary paused; two backup paused; one primary up; ")
	f("/two/c", 503, "<Code>SlowDown</Code>")
	f("/two/b", 200, "backup") // it is in the bucket, or on its way there
	f("/three", 200, "primary")
	must(o.Resume(t.Context(), "site", "two"))
	states("two primary up; two backup up; one primary up; ")
	f("/two/missing-at-backup", 200, "primary") // what the backup did not have was not remembered
	f("/two/c", 200, "primary")

	for _, err := range []error{
		o.Drain(t.Context(), "site", "one", "backup"), o.Drain(t.Context(), "none", "one", "primary"),
		o.Pause(t.Context(), "site", "denied"), o.Resume(t.Context(), "site", "none"),
	} {
		if !errors.Is(err, admin.ErrNoSuch) {
			t.Errorf("what is not there was steered: %v", err)
		}
	}
}

// startNamed runs an origin whose objects hold its name; a path can say where it is missing.
func startNamed(t *testing.T, name string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "missing-at-"+name) {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
