package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

// Nothing that begins behind the answers asks the origin of a rule that is not active, or asks it to keep something
// while the site serves from its origins. What is lost with another gateway waits for a rule that is only not active.
func TestNothingBeginsUnasked(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte("of the origin"))
	}))
	defer origin.Close()
	f := func(name string, err error, want string) {
		t.Helper()
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	p := serveFor(t, fmt.Sprintf(`
rules:
  - {id: p, match: {prefix: p/}, state: paused, origin: {primary: %[1]q}}
  - {id: r, match: {prefix: r/}, mode: redirect, state: retired, origin: {primary: %[1]q}}`, origin.URL))
	f("lost, paused", p.gateway.PullAgain(t.Context(), "site", "p/a"), "the rule is paused")
	f("lost, retired", p.gateway.PullAgain(t.Context(), "site", "r/a"), "the rule is retired")
	for key, want := range map[string]string{"p/a": "the rule is paused", "r/a": "the rule is retired"} {
		_, err := p.gateway.Refresh(t.Context(), "site", key)
		f("refresh of "+key, err, want)
	}

	p = serveFor(t, fmt.Sprintf(`
serve: origin
  rules:
    - {id: m, origin: {primary: %[1]q}}`, origin.URL))
	f("lost, serve: origin", p.gateway.PullAgain(t.Context(), "site", "a"), "<nil>")
	_, err := p.gateway.Refresh(t.Context(), "site", "a")
	f("refresh, serve: origin", err, "no rule keeps a copy")
	if n := asked.Load(); n != 0 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// explain says what a switch does to a request.
func TestExplainSwitches(t *testing.T) {
	f := func(serve, state, mode, key string, want admin.Explanation) {
		t.Helper()
		cfg, err := configs.Parse(fmt.Appendf(nil, `
sites:
- {name: s, hosts: ["*"], bucket: {dir: ./b}, serve: %s, rules: [
    {id: r, state: %s, mode: %s, match: {prefix: a/}, origin: {primary: "http://old.example.com"}}]}
`, serve, state, mode), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		got := explain(cfg, "any", "/"+key, nil)
		if got.Answer != want.Answer || got.Mode != want.Mode || got.State != want.State || got.When != want.When ||
			got.Location != "" || len(got.Asks) != len(want.Asks) || got.Keep || !strings.Contains(got.Why, want.Why) {
			t.Errorf("%s, %s, %s: %+v, want %+v", serve, state, mode, got, want)
		}
	}
	one := make([]admin.Ask, 1)
	f("origin", "active", "mirror", "a/x", admin.Explanation{
		Answer: "passed through from the origin, nothing is kept", Mode: "proxy", When: "always", Asks: one, Why: "serve is origin",
	})
	f("origin", "active", "mirror", "b", admin.Explanation{
		Answer: "404 NoSuchKey: no rule matches, and the bucket is not asked (serve: origin)",
	})
	f("bucket", "paused", "mirror", "a/x", admin.Explanation{
		Answer: "from the bucket; when it is not there: 503 SlowDown: the rule is paused, and its origin not asked",
		Mode:   "mirror", State: "paused", When: "miss", Why: "nothing is pulled",
	})
	f("origin", "retired", "redirect", "a/x", admin.Explanation{
		Answer: "404 NoSuchKey: the rule is retired, and its origin not asked",
		Mode:   "redirect", State: "retired", When: "always", Why: "nothing is pulled",
	})
}
