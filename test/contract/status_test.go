package contract_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

func TestCacheStatus(t *testing.T) {
	t.Parallel()
	own := page{header: []string{"Cache-Status", "other; hit"}, body: "body"}
	primary := startOrigin(t, pages(map[string]page{
		"/forbidden.txt": {status: 403},
		"/a.txt":         own, "/p/a.txt": own, "/no-store.txt": {header: []string{"Cache-Control", "no-store"},
			body: "body"},
	}))
	backup := startOrigin(t, pages(map[string]page{"/b.txt": own}))
	r := serve(t, site("",
		`{id: denied, mode: deny, match: {prefix: d/}}`,
		`{id: sent, mode: redirect, match: {prefix: r/}, redirect: {store: false},
    origin: {primary: "http://elsewhere.test"}}`,
		`{id: passed, mode: proxy, match: {prefix: p/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: m, origin: {primary: "${ORIGIN}", backup: "${BACKUP}"}}`,
	), "ORIGIN="+primary.url, "BACKUP="+backup.url)
	r.put(t, "here.txt", "0123456789")

	f := func(method, target string, status int, cacheStatus string, header ...string) {
		t.Helper()
		a := r.do(t, method, target, header...)
		equal(t, method+" "+target+": status", a.Status, status)
		equal(t, method+" "+target+": Cache-Status", strings.Join(a.Header.Values("Cache-Status"), "|"), cacheStatus)
	}
	f("GET", "/here.txt", 200, hitBucket)
	f("HEAD", "/here.txt", 200, hitBucket)
	f("GET", "/here.txt", 206, hitBucket, "Range", "bytes=0-1")
	f("GET", "/here.txt", 304, hitBucket, "If-None-Match", "*")
	f("HEAD", "/a.txt", 200, streamed("m"))
	f("GET", "/a.txt", 200, saved("m"))
	r.waitSaved(t, "a.txt", "body")
	f("GET", "/a.txt", 200, hitBucket)
	f("GET", "/b.txt", 200, `mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=backup; rule="m"`)
	f("GET", "/no-store.txt", 200, streamed("m"))
	f("GET", "/r/a.txt", 302, `mirrorgate; fwd=uri-miss; detail=redirect; rule="sent"`)
	f("HEAD", "/r/a.txt", 302, `mirrorgate; fwd=uri-miss; detail=redirect; rule="sent"`)
	f("GET", "/p/a.txt", 200, `mirrorgate; fwd=bypass; rule="passed"`)
	f("GET", "/d/a.txt", 404, `mirrorgate; detail=deny; rule="denied"`)
	f("GET", "/gone.txt", 404, `mirrorgate; fwd=uri-miss; fwd-status=404; detail=backup; rule="m"`)
	f("GET", "/gone.txt", 404, "mirrorgate; hit; detail=negative")
	f("GET", "/forbidden.txt", 403, `mirrorgate; fwd=uri-miss; fwd-status=403; detail=primary; rule="m"`)
	f("GET", "/forbidden.txt", 403, "mirrorgate; hit; detail=negative")
	equal(t, "requests for what is forbidden", primary.count("/forbidden.txt"), 1)
	// What a HEAD learnt is for HEAD only.
	asked := primary.count("/gone-for-head.txt")
	f("HEAD", "/gone-for-head.txt", 404, `mirrorgate; fwd=uri-miss; fwd-status=404; detail=backup; rule="m"`)
	f("GET", "/gone-for-head.txt", 404, `mirrorgate; fwd=uri-miss; fwd-status=404; detail=backup; rule="m"`)
	equal(t, "requests after HEAD and GET", primary.count("/gone-for-head.txt")-asked, 2)
}

// TestPassedRedirectStatus: an origin's redirect that is the client's to follow is a miss that was forwarded.
func TestPassedRedirectStatus(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.test/b", http.StatusMovedPermanently)
	})
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}", follow_redirects: 0}}`)
	a := r.get(t, "/a")
	equal(t, "status", a.Status, 301)
	equal(t, "Location", a.Header.Get("Location"), "http://elsewhere.test/b")
	equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
	equal(t, "Cache-Status", a.Header.Get("Cache-Status"),
		`mirrorgate; fwd=uri-miss; fwd-status=301; detail=primary; rule="r"`)
	r.wantBucket(t)
}

func TestCacheStatusSaveOff(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serve(t, site("save: false", `{id: r, origin: {primary: "${ORIGIN}"}}`), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/a.txt"), "/a.txt", streamed("r"))
	wantObject(t, r.get(t, "/a.txt"), "/a.txt", streamed("r"))
	o.wantTotal(t, 2)
	r.wantBucket(t)
}

// TestCollapsed: who comes while a pull is under way follows it from the first byte on.
func TestCollapsed(t *testing.T) {
	t.Parallel()
	g := newGate()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "01234")
		_ = http.NewResponseController(w).Flush()
		g.pass(r)
		_, _ = io.WriteString(w, "56789")
	})
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}"}}`)
	first := r.open(t, "/a.txt")
	second := r.open(t, "/a.txt")
	equal(t, "the first Cache-Status", first.Header.Get("Cache-Status"), saved("r"))
	equal(t, "the second Cache-Status", second.Header.Get("Cache-Status"),
		`mirrorgate; fwd=uri-miss; fwd-status=200; stored; collapsed; detail=primary; rule="r"`)
	begun := make([]byte, 4)
	if _, err := io.ReadFull(second.Body, begun); err != nil || string(begun) != "0123" {
		t.Errorf("before the end the second got %q (%v)", begun, err)
	}
	g.open()
	for _, response := range []*http.Response{first, second} {
		body, err := io.ReadAll(response.Body)
		if err != nil || !strings.HasSuffix("0123456789", string(body)) || len(body) < 6 {
			t.Errorf("body: %q (%v)", body, err)
		}
	}
	o.wantTotal(t, 1)
	r.wantBucket(t, "a.txt")
}

// TestHitInSpool: a save that fails changes nothing for clients, and is tried again.
func TestHitInSpool(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, pages(map[string]page{"/a.txt": {header: []string{"ETag", `"v1"`}, body: "0123456789"}}))
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}"}}`)
	// The bucket can be read, and not written to: where it keeps what it writes is no folder.
	tmp := filepath.Join(r.bucket, ".mirrorgate", "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tmp, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantObject(t, r.get(t, "/a.txt"), "0123456789", saved("r"))
	a := r.get(t, "/a.txt")
	wantObject(t, a, "0123456789", hitSpool)
	equal(t, "ETag", a.Header.Get("ETag"), `"v1"`)
	equal(t, "HEAD", r.head(t, "/a.txt").Header.Get("Cache-Status"), hitSpool)
	equal(t, "part", string(r.get(t, "/a.txt", "Range", "bytes=2-4").Body), "234")
	equal(t, "304", r.get(t, "/a.txt", "If-None-Match", `"v1"`).Status, 304)
	if len(r.keys(t)) != 1 { // tmp itself
		t.Errorf("the bucket has %q", r.keys(t))
	}
	if err := os.Remove(tmp); err != nil {
		t.Fatal(err)
	}
	r.waitSaved(t, "a.txt", "0123456789")
	harness.Eventually(t, patience, func() error {
		a = r.get(t, "/a.txt")
		return nil
	})
	wantObject(t, a, "0123456789", hitBucket)
	o.wantTotal(t, 1)
	r.wantBucket(t, "a.txt")
}
