package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
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
