package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// Before a real gateway: the first replay pulls, the second one hits, and both times the answers are the old server's.
func TestGateway(t *testing.T) {
	old := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"`+r.URL.Path+`"`)
		http.ServeContent(w, r, "", time.Unix(1e9, 0), strings.NewReader(strings.Repeat(r.URL.Path, 1000)))
	})
	config := fmt.Sprintf("sites: [{name: s, hosts: [\"*\"], bucket: {dir: %q}, rules: [{id: r, origin: {primary: %q}}]}]", t.TempDir(), old.URL)
	g := harness.StartGateway(t, config)
	var log strings.Builder
	for i := range 20 {
		fmt.Fprintf(&log, logHead+`"GET /%d HTTP/1.1" 200 5 "-" "-"`+"\n", i)
	}
	fmt.Fprintf(&log, logHead+`"GET /none HTTP/1.1" 404 5 "-" "-"`+"\n")
	args := []string{"--target", g.URL, "--compare", old.URL, "--log", write(t, log.String()), "--rate", "200", "--max-errors", "0"}
	r := replayed(t, 0, args...)
	if r.Outcomes["mirrored primary"] != 20 || r.Outcomes["miss, no object from primary"] != 1 || r.Logged.Alike != 21 || r.Compared.Same != 21 {
		t.Errorf("cold: %+v %+v", r, r.Compared)
	}
	r = replayed(t, 0, args...)
	if r.Outcomes["bucket"]+r.Outcomes["spool"]+r.Outcomes["memory"] != 20 || r.Outcomes["negative"] != 1 || r.Compared.Same != 21 {
		t.Errorf("warm: %+v %+v", r, r.Compared)
	}
}

func TestOutcome(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got := outcome(http.Header{"Cache-Status": {value}}); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	f("mirrorgate; hit; detail=bucket", "bucket")
	f("mirrorgate; hit; detail=memory", "memory")
	f("mirrorgate; hit; detail=negative", "negative")
	f(`mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=primary; rule="images"`, "mirrored primary")
	f(`mirrorgate; fwd=uri-miss; fwd-status=200; stored; collapsed; detail=backup; rule="x"`, "mirrored backup, joined")
	f(`mirrorgate; fwd=uri-miss; fwd-status=502; rule="x"`, "miss, no object from an origin")
	f(`mirrorgate; fwd=uri-miss; detail=redirect; rule="x"`, "redirect")
	f(`mirrorgate; fwd=partial; detail=primary; rule="x"`, "range passed through")
	f(`mirrorgate; fwd=bypass; rule="x"`, "passed through")
	f(`mirrorgate; detail=deny; rule="x"`, "denied")
	f(`mirrorgate; hit; detail=anything`, "another of mirrorgate")
	f(`cdn; hit, mirrorgate; hit; detail=spool`, "spool")
	f(`cdn; hit`, "of another cache")
}
