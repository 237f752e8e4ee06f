package contract_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// redirectCase says where a rule for the prefix "dir" sends a target.
type redirectCase struct{ name, rule, target, location string }

// at is the case with a prefix that no other case has.
func (c redirectCase) at(n int) redirectCase {
	dir := fmt.Sprintf("dir-%02d", n)
	c.rule = fmt.Sprintf(`{id: %s, mode: redirect, match: {prefix: %s}, %sredirect: {store: false},
    origin: {primary: "http://elsewhere.test/base/"}}`, dir, dir, c.rule)
	c.target = strings.ReplaceAll(c.target, "dir", dir)
	c.location = strings.ReplaceAll(c.location, "dir", dir)
	return c
}

func redirectCases() []redirectCase {
	const target, base = "/dir/a%20b.jpg", "http://elsewhere.test/base/"
	return []redirectCase{
		{"as it is", "", target, base + "dir/a%20b.jpg"},
		{"prefix", "rewrite: {prefix: new}, ", target, base + "new/dir/a%20b.jpg"},
		{"prefix with slashes", "rewrite: {prefix: /new/}, ", target, base + "new/dir/a%20b.jpg"},
		{"suffix", "rewrite: {suffix: .webp}, ", target, base + "dir/a%20b.webp"},
		{"suffix without a dot", "rewrite: {suffix: .webp}, ", "/dir/a", base + "dir/a.webp"},
		{"crop", "rewrite: {crop: true}, ", target, base + "a%20b.jpg"},
		{"replace", "rewrite: {replace: other}, ", target, base + "other/a%20b.jpg"},
		{"all", "rewrite: {crop: true, prefix: p, suffix: .png}, ", target, base + "p/a%20b.png"},
		{"fixed", `rewrite: {fixed: "/sorry page.html"}, `, target, base + "sorry%20page.html"},
		{"encoded", "", "/dir/%E5%9B%BE/a+b%3F%23%25", base + "dir/%E5%9B%BE/a+b%3F%23%25"},
		{"control characters", "", "/dir/%0d%0aSet-Cookie:%20a=b", base + "dir/%0D%0ASet-Cookie:%20a=b"},
		{"query stays here", "", target + "?w=2", base + "dir/a%20b.jpg"},
		{"query goes along", "forward: {query: same}, ", target + "?w=%20&h", base + "dir/a%20b.jpg?w=%20&h"},
		{"query as key", "forward: {query: key}, ", target + "?w=2", base + "dir/a%20b.jpg?w=2"},
		{"always", "when: always, ", target, base + "dir/a%20b.jpg"},
	}
}

func TestRedirectMode(t *testing.T) {
	t.Parallel()
	var rules []string
	for n, c := range redirectCases() {
		rules = append(rules, c.at(n).rule)
	}
	r := serve(t, site("", rules...))
	for n, c := range redirectCases() {
		t.Run(c.name, func(t *testing.T) {
			c := c.at(n)
			for _, method := range []string{"GET", "HEAD"} {
				a := r.do(t, method, c.target)
				equal(t, "status", a.Status, 302)
				equal(t, "Location", a.Header.Get("Location"), c.location)
				equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
				equal(t, "body", len(a.Body), 0)
			}
		})
	}
	r.wantBucket(t)
}

func TestRedirectCodes(t *testing.T) {
	t.Parallel()
	var rules []string
	codes := []int{301, 302, 303, 307, 308}
	for _, code := range codes {
		rules = append(rules, fmt.Sprintf(`{id: r%d, mode: redirect, match: {prefix: %d/}, redirect: {code: %d,
    store: false}, origin: {primary: "http://elsewhere.test"}}`, code, code, code))
	}
	r := serve(t, site("", rules...))
	for _, code := range codes {
		a := r.get(t, fmt.Sprintf("/%d/a", code))
		equal(t, "status", a.Status, code)
		equal(t, "Location", a.Header.Get("Location"), fmt.Sprintf("http://elsewhere.test/%d/a", code))
		equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
	}
}

// TestRedirectStores: behind the client's back, once, and under the requested key.
func TestRedirectStores(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o,
		`{id: fixed, mode: redirect, match: {prefix: fixed/}, rewrite: {fixed: sorry.html}, origin: {primary: "${ORIGIN}"}}`,
		`{id: off, mode: redirect, match: {prefix: off/}, redirect: {store: false}, origin: {primary: "${ORIGIN}"}}`,
		`{id: on, mode: redirect, rewrite: {prefix: new}, origin: {primary: "${ORIGIN}"}}`)
	sent := func(target, location string) {
		t.Helper()
		a := r.get(t, target)
		equal(t, "status", a.Status, 302)
		equal(t, "Location", a.Header.Get("Location"), o.url+location)
		equal(t, "HEAD's status", r.head(t, target).Status, 302)
	}
	sent("/fixed/a.txt", "/sorry.html")
	sent("/off/a.txt", "/off/a.txt")
	equal(t, "HEAD's status", r.head(t, "/b.txt").Status, 302)
	o.wantTotal(t, 0)

	a := r.get(t, "/a.txt")
	equal(t, "status", a.Status, 302)
	equal(t, "Location", a.Header.Get("Location"), o.url+"/new/a.txt")
	r.waitSaved(t, "a.txt", "/new/a.txt")
	wantHit(t, r.get(t, "/a.txt"), "/new/a.txt")
	o.wantTotal(t, 1)
	r.wantBucket(t, "a.txt")
}

// TestRedirectDoesNotWait: neither for an origin that is dead nor for one that has not got the object.
func TestRedirectDoesNotWait(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, http.NotFound)
	r := serve(t, site("", `{id: dead, mode: redirect, match: {prefix: dead/},
    origin: {primary: "http://`+harness.FreeAddr(t)+`"}}`,
		`{id: slow, mode: redirect, match: {prefix: slow/}, origin: {primary: "http://`+fullAddr(t)+`"}}`,
		`{id: r, mode: redirect, origin: {primary: "${ORIGIN}"}}`), "ORIGIN="+o.url)
	for _, target := range []string{"/dead/a", "/slow/a", "/a", "/a"} {
		within(t, 2*time.Second, func() { equal(t, target, r.get(t, target).Status, 302) })
	}
}

func TestRedirectAlways(t *testing.T) {
	t.Parallel()
	r := serve(t, site("", `{id: r, mode: redirect, when: always, match: {prefix: a}, redirect: {store: false},
    origin: {primary: "http://elsewhere.test"}}`,
		`{id: miss, mode: redirect, redirect: {store: false}, origin: {primary: "http://elsewhere.test"}}`))
	r.put(t, "a.txt", "here")
	r.put(t, "b.txt", "here")
	equal(t, "always", r.get(t, "/a.txt").Status, 302)
	equal(t, "miss", r.get(t, "/b.txt").Status, 200)
	equal(t, "missing", r.get(t, "/c.txt").Status, 302)
}

// proxyOrigin has one object of 10 bytes, for which it answers ranges and conditions itself.
func proxyOrigin(t *testing.T) *origin {
	return startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/status/%d", &status); err == nil {
			page{status: status, header: []string{"WWW-Authenticate", "Basic"}, body: "words of the origin"}.ServeHTTP(w, r)
			return
		}
		for _, name := range []string{"Set-Cookie", "X-Custom", "Cache-Status", "X-Request-Id", "Server", "Via",
			"Connection", "X-Hop", "mg-etag", "Age"} {
			h.Set(name, "origin")
		}
		h.Set("Set-Cookie", "a=b")
		h.Set("Connection", "X-Hop")
		h.Set("ETag", `"v1"`)
		h.Set("Content-Type", "text/plain")
		http.ServeContent(w, r, "", time.Unix(784903526, 0), strings.NewReader("0123456789"))
	})
}

func TestProxyMode(t *testing.T) {
	t.Parallel()
	o := proxyOrigin(t)
	r := serve(t, site("origin_failure_status: 0",
		`{id: always, mode: proxy, when: always, match: {prefix: always/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: p, mode: proxy, forward: {query: same}, origin: {primary: "${ORIGIN}"}}`), "ORIGIN="+o.url)
	r.put(t, "here.txt", "here")
	r.put(t, "always/here.txt", "here")
	bypass := `mirrorgate; fwd=bypass; rule="p"`
	f := func(method string, status int, body string, header ...string) harness.Answer {
		t.Helper()
		a := r.do(t, method, "/a.txt", header...)
		equal(t, "status", a.Status, status)
		equal(t, "body", string(a.Body), body)
		equal(t, "Cache-Status", a.Header.Get("Cache-Status"), bypass)
		for i := 0; i+1 < len(header); i += 2 {
			equal(t, header[i], o.last(t).header.Get(header[i]), header[i+1])
		}
		return a
	}
	a := f("GET", 200, "0123456789")
	equal(t, "Set-Cookie", a.Header.Get("Set-Cookie"), "a=b")
	equal(t, "X-Custom", a.Header.Get("X-Custom"), "origin")
	equal(t, "ETag", a.Header.Get("ETag"), `"v1"`)
	equal(t, "Last-Modified", a.Header.Get("Last-Modified"), modified)
	equal(t, "Content-Length", a.Header.Get("Content-Length"), "10")
	equal(t, "Via", a.Header.Get("Via"), "1.1 mirrorgate")
	for _, name := range []string{"Server", "X-Hop", "mg-etag"} {
		equal(t, name, a.Header.Get(name), "")
	}
	head := f("HEAD", 200, "")
	equal(t, "HEAD: Content-Length", head.Header.Get("Content-Length"), "10")
	equal(t, "HEAD: method", o.last(t).method, "HEAD")
	equal(t, "Content-Range", f("GET", 206, "234", "Range", "bytes=2-4").Header.Get("Content-Range"), "bytes 2-4/10")
	f("GET", 206, "234", "Range", "bytes=2-4", "If-Range", `"v1"`)
	f("GET", 200, "0123456789", "Range", "bytes=2-4", "If-Range", `"v2"`)
	equal(t, "ETag", f("GET", 304, "", "If-None-Match", `"v1"`).Header.Get("ETag"), `"v1"`)
	f("GET", 304, "", "If-Modified-Since", modified)
	f("GET", 412, "", "If-Match", `"v2"`)
	f("GET", 412, "", "If-Unmodified-Since", before)
	outside := r.get(t, "/a.txt", "Range", "bytes=10-")
	equal(t, "outside", outside.Status, 416)
	equal(t, "Content-Range", outside.Header.Get("Content-Range"), "bytes */10")
	several := r.get(t, "/a.txt", "Range", "bytes=0-1,4-5")
	equal(t, "several", several.Status, 206)
	if !strings.HasPrefix(several.Header.Get("Content-Type"), "multipart/byteranges") ||
		!strings.Contains(string(several.Body), "45") {
		t.Errorf("several ranges: %v %q", several.Header, several.Body)
	}
	_ = r.get(t, "/a.txt?w=%20")
	equal(t, "query", o.last(t).target, "/a.txt?w=%20")

	wantObject(t, r.get(t, "/here.txt"), "here", hitBucket)
	wantObject(t, r.get(t, "/always/here.txt"), "0123456789", `mirrorgate; fwd=bypass; rule="always"`)
	r.wantBucket(t, "always/here.txt", "here.txt")
}

func TestProxyModeErrors(t *testing.T) {
	t.Parallel()
	o := proxyOrigin(t)
	var folders []string
	for _, status := range []int{206, 304, 400, 401, 403, 404, 410, 412, 500} {
		folders = append(folders, fmt.Sprintf("status/%d", status))
	}
	r := serveRules(t, o, ruleEach(folders, `mode: proxy, origin: {primary: "${ORIGIN}"}`)...)
	f := func(status int, want failure) {
		t.Helper()
		want.rule = "r-"
		for n := range 2 {
			target := fmt.Sprintf("/status/%d/a", status)
			a := r.get(t, target)
			want.want(t, "GET", a, "words of the origin", o.addr)
			equal(t, "requests", o.count(target), n+1) // nothing is remembered
			equal(t, "WWW-Authenticate", a.Header.Get("WWW-Authenticate"), "")
		}
	}
	f(404, failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5"})
	f(410, failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5"})
	f(401, failure{status: 401, code: "AccessDenied", cacheControl: "max-age=5"})
	f(403, failure{status: 403, code: "AccessDenied", cacheControl: "max-age=5"})
	f(400, failure{status: 502, code: "MirrorFailed"})
	f(412, failure{status: 502, code: "MirrorFailed"})
	f(500, failure{status: 502, code: "MirrorFailed"})
	f(206, failure{status: 502, code: "MirrorFailed"})
	f(304, failure{status: 502, code: "MirrorFailed"})
	r.wantBucket(t)
}

// TestProxyBackup: a proxied request fails over like any other.
func TestProxyBackup(t *testing.T) {
	t.Parallel()
	primary, backup := startOrigin(t, http.NotFound), proxyOrigin(t)
	r := serve(t, site("", `{id: p, mode: proxy, origin: {primary: "${ORIGIN}", backup: "${BACKUP}"}}`),
		"ORIGIN="+primary.url, "BACKUP="+backup.url)
	a := r.get(t, "/a.txt", "Range", "bytes=1-2")
	equal(t, "status", a.Status, 206)
	equal(t, "body", string(a.Body), "12")
	primary.wantTotal(t, 1)
}

// TestProxyCancelled: a proxied body has one reader, and ends with it.
func TestProxyCancelled(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	o := startOrigin(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		var err error
		for block := strings.Repeat("x", 64<<10); err == nil; {
			if _, err = io.WriteString(w, block); err == nil {
				err = http.NewResponseController(w).Flush()
			}
		}
	})
	r := serveRules(t, o, `{id: p, mode: proxy, origin: {primary: "${ORIGIN}"}}`)
	w := r.dial(t)
	w.send(t, request("GET", "/endless"))
	response := w.receive(t, "GET")
	if _, err := io.CopyN(io.Discard, response.Body, 1<<20); err != nil {
		t.Fatal(err)
	}
	w.conn.Close()
	wait(t, "the end of the origin's answer", ended)
}

func TestDenyMode(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o,
		`{id: gone, mode: deny, when: miss, match: {prefix: miss/}, deny: {status: 410}}`,
		`{id: never, mode: deny, match: {prefix: never/}, deny: {status: 403}}`,
		`{id: off, enabled: false, mode: deny}`,
		mirrorRule)
	r.put(t, "miss/here.txt", "here")
	r.put(t, "never/here.txt", "here")
	wantObject(t, r.get(t, "/miss/here.txt"), "here", hitBucket)
	failure{status: 410, code: "NoSuchKey"}.want(t, "GET", r.get(t, "/miss/other.txt"))
	for _, target := range []string{"/never/here.txt", "/never/other.txt"} {
		a := r.get(t, target)
		failure{status: 403, code: "AccessDenied"}.want(t, "GET", a)
		equal(t, "Cache-Status", a.Header.Get("Cache-Status"), `mirrorgate; detail=deny; rule="never"`)
		failure{status: 403}.want(t, "HEAD", r.head(t, target, "Range", "bytes=0-"))
	}
	o.wantTotal(t, 0)
	wantObject(t, r.get(t, "/a.txt"), "/a.txt", saved("r"))
}

// TestFirstMatch: order decides, and suffixes count.
func TestFirstMatch(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o,
		`{id: both, match: {prefix: a/, suffix: .jpg}, origin: {primary: "${ORIGIN}/1"}}`,
		`{id: prefix, match: {prefix: a/}, origin: {primary: "${ORIGIN}/2"}}`,
		`{id: suffix, match: {suffix: .jpg}, origin: {primary: "${ORIGIN}/3"}}`)
	wantObject(t, r.get(t, "/a/x.jpg"), "/1/a/x.jpg", saved("both"))
	wantObject(t, r.get(t, "/a/x.png"), "/2/a/x.png", saved("prefix"))
	wantObject(t, r.get(t, "/b/x.jpg"), "/3/b/x.jpg", saved("suffix"))
	failure{status: 404, code: "NoSuchKey"}.want(t, "GET", r.get(t, "/b/x.png"))
	failure{status: 404, code: "NoSuchKey"}.want(t, "GET", r.get(t, "/A/x.png"))
	r.wantBucket(t, "a/x.jpg", "a/x.png", "b/x.jpg")
}
