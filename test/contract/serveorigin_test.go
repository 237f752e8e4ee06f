package contract_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// cutoverOrigin has an object of ten bytes under nearly every path, for which it answers ranges and conditions itself.
func cutoverOrigin(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/missing"):
		page{status: 404, body: "words of the origin"}.ServeHTTP(w, r)
		return
	case strings.HasSuffix(r.URL.Path, "/secret"):
		page{status: 403, body: "words of the origin"}.ServeHTTP(w, r)
		return
	case strings.HasSuffix(r.URL.Path, "/moved"):
		http.Redirect(w, r, "/mirror/new", http.StatusFound)
		return
	}
	w.Header().Set("ETag", `"v1"`)
	w.Header().Set("Content-Type", "text/plain")
	if strings.HasSuffix(r.URL.Path, "/cookie") {
		w.Header().Set("Set-Cookie", "a=b")
	}
	http.ServeContent(w, r, "", time.Unix(784903526, 0), strings.NewReader("0123456789"))
}

// cutoverRules are rules of each mode, each for the folder of its name. Of the one with two targets only the backup has
// anything.
func cutoverRules(backup string) []string {
	return []string{
		`{id: key, match: {prefix: key/}, forward: {query: key}, origin: {primary: "${ORIGIN}"}}`,
		`{id: skip, match: {prefix: skip/}, forward: {query: skip}, origin: {primary: "${ORIGIN}"}}`,
		`{id: redirect, mode: redirect, match: {prefix: redirect/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: proxy, mode: proxy, match: {prefix: proxy/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: denied, mode: deny, when: miss, match: {prefix: denied/}, deny: {status: 410}}`,
		`{id: two, match: {prefix: two/}, rewrite: {suffix: /missing},
    origin: {primary: "${ORIGIN}", backup: "` + backup + `"}}`,
		`{id: paused, state: paused, match: {prefix: paused/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: mirror, match: {prefix: mirror/}, head: off, range: fill, origin: {primary: "${ORIGIN}"}}`,
	}
}

// TestServeOrigin: all is the origin's, whatever the bucket, the spool or memory has; nothing is kept; and the way back
// finds all as it was.
func TestServeOrigin(t *testing.T) {
	backup := startOrigin(t, echo)
	rules := cutoverRules(backup.url)
	onSwitched(t, cutoverOrigin, func(t *testing.T, s *switched) {
		s.set(t, "", rules...)
		wantObject(t, s.get(t, "/mirror/spooled"), "0123456789", saved("mirror"))
		here := []string{"denied/here", "key/here", "mirror/here", "no/rule", "paused/here", "proxy/here", "redirect/here", "skip/here"}
		for _, key := range here {
			s.put(t, key, "here")
		}
		waiting := s.spooled(t)

		s.set(t, "serve: origin", rules...)
		s.wantProxied(t)
		s.wantRules(t)
		if got := s.keys(t); !slices.Equal(slices.DeleteFunc(got, isInternal), here) {
			t.Errorf("the bucket has %q, want %q", got, here)
		}
		if got := s.spooled(t); len(waiting) != 2 || !slices.Equal(got, waiting) {
			t.Errorf("the spool has %q, want %q", got, waiting)
		}

		s.set(t, "", rules...)
		asked := len(s.o.requests())
		for _, key := range here {
			wantObject(t, s.get(t, "/"+key), "here", hitBucket)
		}
		wantObject(t, s.get(t, "/mirror/spooled"), "0123456789", hitSpool)
		s.o.wantTotal(t, asked)
	})
}

func isInternal(key string) bool { return strings.HasPrefix(key, ".mirrorgate/") }

// wantProxied fails the test unless each request for an object goes to the origin as it came, and its answer comes back.
func (s *switched) wantProxied(t *testing.T) {
	t.Helper()
	for _, c := range []struct{ target, asked, rule string }{
		{"/mirror/here", "/mirror/here", "mirror"},
		{"/mirror/spooled?a=b", "/mirror/spooled", "mirror"},
		{"/mirror/elsewhere", "/mirror/elsewhere", "mirror"},
		{"/proxy/here", "/proxy/here", "proxy"},
		{"/key/here?w=2", "/key/here?w=2", "key"},
		{"/skip/here?w=2", "/skip/here?w=2", "skip"},
	} {
		for n := range 2 { // memory has nothing to say either
			f := func(method string, status int, body string, header ...string) {
				t.Helper()
				a := s.do(t, method, c.target, header...)
				equal(t, c.target+": status", a.Status, status)
				equal(t, c.target+": body", string(a.Body), body)
				equal(t, "Cache-Status", a.Header.Get("Cache-Status"), `mirrorgate; fwd=bypass; rule="`+c.rule+`"`)
				got := s.o.last(t)
				equal(t, "asked", got.method+" "+got.target, method+" "+c.asked)
				for i := 0; i+1 < len(header); i += 2 {
					equal(t, header[i], got.header.Get(header[i]), header[i+1])
				}
			}
			before := len(s.o.requests())
			f("GET", 200, "0123456789")
			f("HEAD", 200, "")
			f("GET", 206, "23", "Range", "bytes=2-3")
			f("GET", 304, "", "If-None-Match", `"v1"`)
			f("GET", 412, "", "If-Match", `"v2"`)
			equal(t, fmt.Sprint("requests, time ", n), len(s.o.requests())-before, 5)
		}
	}
}

// wantRules fails the test unless what else a rule says holds, too.
func (s *switched) wantRules(t *testing.T) {
	t.Helper()
	f := func(target string, status int, cacheStatus string, header ...string) harness.Answer {
		t.Helper()
		a := s.get(t, target, header...)
		equal(t, target+": status", a.Status, status)
		equal(t, target+": Cache-Status", a.Header.Get("Cache-Status"), cacheStatus)
		return a
	}
	const bypass = `mirrorgate; fwd=bypass; rule="mirror"`
	for range 2 {
		equal(t, "Set-Cookie", f("/mirror/cookie", 200, bypass).Header.Get("Set-Cookie"), "a=b")
		failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5", rule: "mirror"}.want(t, "GET",
			f("/mirror/missing", 404, bypass))
		failure{status: 403, code: "AccessDenied", cacheControl: "max-age=5", rule: "mirror"}.want(t, "GET",
			f("/mirror/secret", 403, bypass))
	}
	equal(t, "asked what is missing", s.o.count("/mirror/missing"), 2)
	equal(t, "a redirect", string(f("/mirror/moved", 200, bypass).Body), "0123456789")
	equal(t, "followed", s.o.last(t).target, "/mirror/new")
	equal(t, "the backup", string(f("/two/a", 200, `mirrorgate; fwd=bypass; rule="two"`).Body), "/two/a/missing")

	asked := len(s.o.requests())
	a := f("/redirect/here", 302, `mirrorgate; fwd=uri-miss; detail=redirect; rule="redirect"`)
	equal(t, "Location", a.Header.Get("Location"), s.o.url+"/redirect/here")
	f("/denied/here", 410, `mirrorgate; detail=deny; rule="denied"`)
	f("/paused/here", 503, `mirrorgate; detail=paused; rule="paused"`)
	f("/no/rule", 404, "")
	f("/mirror/here", 508, "", "CDN-Loop", s.loopToken(t))
	s.o.wantTotal(t, asked)
}

// TestServeOriginWithoutBucket: a bucket that cannot be reached, also at the start, is nothing to such a site.
func TestServeOriginWithoutBucket(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, cutoverOrigin)
	bucket := fmt.Sprintf("{s3: {endpoint: %q, name: gone, access_key: key, secret_key: secret}}", "http://"+harness.FreeAddr(t))
	config := strings.Replace(site("serve: origin", mirrorRule), `{dir: "${BUCKET}"}`, bucket, 1)
	r := serve(t, config, "ORIGIN="+o.url) // returns when it is ready
	for _, form := range requestForms() {
		if form.name == "conditional" {
			form.header = []string{"If-None-Match", `"v1"`}
		}
		equal(t, form.name, r.do(t, form.method, "/a.txt", form.header...).Status, form.status)
	}
	o.wantTotal(t, len(requestForms()))
}

// TestSaveNothing: what is pulled is streamed and shared, and left nowhere; a redirect and a far range cause no pull of
// their own.
func TestSaveNothing(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, cutoverOrigin)
	r := serve(t, inMemory+site("save: false",
		`{id: redirect, mode: redirect, match: {prefix: redirect/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: r, revalidate: 10s, origin: {primary: "${ORIGIN}"}}`), "ORIGIN="+o.url)
	for n := range 3 {
		wantObject(t, r.get(t, "/a.txt"), "0123456789", streamed("r"))
		equal(t, "requests", o.count("/a.txt"), n+1)
	}
	equal(t, "redirect", r.get(t, "/redirect/a").Status, 302)
	equal(t, "far range", r.get(t, "/far.txt", "Range", "bytes=900000000-").Status, 416)
	r.put(t, "b.txt", "here")
	wantObject(t, r.get(t, "/b.txt"), "here", hitBucket)
	wantObject(t, r.get(t, "/b.txt"), "here", "mirrorgate; hit; detail=memory")
	r.wantBucket(t, "b.txt")
	equal(t, "requests behind a redirect", o.count("/redirect/a"), 0)
	equal(t, "requests for a far range", o.count("/far.txt"), 1)
}
