package contract_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// unstored is an answer of the origin that is not to be kept, and why.
type unstored struct {
	name   string
	reason string // "": the answer may be kept
	key    string
	page   page
}

func unstoredCases() []unstored {
	head := func(pairs ...string) page { return page{header: pairs, body: "the body"} }
	html := head("Content-Type", "text/html; charset=utf-8")
	cases := []unstored{
		{"no-store", "no-store", "a1.txt", head("Cache-Control", "no-store")},
		{"no-store among others", "no-store", "a2.txt", head("Cache-Control", "max-age=5", "Cache-Control",
			"must-revalidate, No-Store")},
		{"private", "private", "b1.txt", head("Cache-Control", "private, max-age=60")},
		{"private fields", "private", "b2.txt", head("Cache-Control", `private="set-cookie", max-age=60`)},
		{"Set-Cookie", "set-cookie", "c1.txt", head("Set-Cookie", "session=1")},
		{"Vary: Cookie", "vary", "v1.txt", head("Vary", "Cookie")},
		{"Vary: *", "vary", "v2.txt", head("Vary", "*")},
		{"Vary: several", "vary", "v3.txt", head("Vary", "Accept-Encoding, User-Agent")},
		{"Vary: several lines", "vary", "v4.txt", head("Vary", "Origin", "Vary", "Accept-Language")},
		{"empty", "empty", "e1.txt", page{header: []string{"Content-Length", "0"}}},
		{"empty, chunked", "empty", "e2.txt", page{chunked: true}},

		{"Vary that does not count", "", "ok1.txt", head("Vary", "accept-encoding, Origin")},
		{"no-cache", "", "ok2.txt", head("Cache-Control", "no-cache")},
		{"max-age=0", "", "ok3.txt", head("Cache-Control", "max-age=0, must-revalidate")},
		{"HTML that is a page", "", "ok4.html", html},
		{"HTML without extension", "", "ok5", html},
		{"text under an image's name", "", "ok6.jpg", head("Content-Type", "text/plain")},
		{"a word in a value", "", "ok7.txt", head("Cache-Control", `max-age=60, ext="no"`)},
	}
	for _, ext := range []string{"jpg", "JPG", "png", "gif", "webp", "svg", "mp3", "mp4", "woff2", "zip", "css", "js"} {
		cases = append(cases, unstored{"HTML as " + ext, "type", "t." + ext, html})
	}
	return cases
}

func unstoredOrigin(t *testing.T, cases []unstored) *origin {
	all := make(map[string]page)
	for _, c := range cases {
		all["/"+c.key] = c.page
	}
	return startOrigin(t, pages(all))
}

// TestNotStored: the answer is streamed all the same, and the next request asks the origin again.
func TestNotStored(t *testing.T) {
	t.Parallel()
	cases := unstoredCases()
	o := unstoredOrigin(t, cases)
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}"}}`)
	var kept []string
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.reason == "" {
				kept = append(kept, c.key)
				wantObject(t, r.get(t, "/"+c.key), c.page.body, saved("r"))
				wantHit(t, r.get(t, "/"+c.key), c.page.body)
				equal(t, "requests", o.count("/"+c.key), 1)
				return
			}
			for range 2 {
				a := r.get(t, "/"+c.key)
				wantObject(t, a, c.page.body, streamed("r"))
				equal(t, "Set-Cookie", a.Header.Get("Set-Cookie"), http.Header{"Set-Cookie": setCookies(c.page)}.Get("Set-Cookie"))
			}
			equal(t, "requests", o.count("/"+c.key), 2)
		})
	}
	r.wantBucket(t, kept...)
}

func setCookies(p page) []string {
	var values []string
	for i := 0; i+1 < len(p.header); i += 2 {
		if p.header[i] == "Set-Cookie" {
			values = append(values, p.header[i+1])
		}
	}
	return values
}

// TestOverride: each reason is set aside alone, by a rule of its own, and then the answer is stored, though never its
// cookie.
func TestOverride(t *testing.T) {
	t.Parallel()
	cases := slices.DeleteFunc(unstoredCases(), func(c unstored) bool { return c.reason == "" })
	o := unstoredOrigin(t, cases)
	reasons := []string{"no-store", "private", "set-cookie", "vary", "type", "empty"}
	var rules, kept []string
	for _, reason := range reasons {
		rules = append(rules, fmt.Sprintf(`{id: %s, match: {prefix: %s/}, rewrite: {crop: true}, store: {override: [%s]},
    origin: {primary: "${ORIGIN}"}}`, reason, reason, reason))
	}
	r := serveRules(t, o, rules...)
	for _, reason := range reasons {
		t.Run(reason, func(t *testing.T) {
			for _, c := range cases {
				key := reason + "/" + c.key
				if c.reason != reason {
					wantObject(t, r.get(t, "/"+key), c.page.body, streamed(reason))
					continue
				}
				kept = append(kept, key)
				wantObject(t, r.get(t, "/"+key), c.page.body, saved(reason))
				a := r.get(t, "/"+key)
				wantHit(t, a, c.page.body)
				equal(t, "Set-Cookie of a hit", a.Header.Get("Set-Cookie"), "")
			}
		})
	}
	r.wantBucket(t, kept...)
}

// TestNotStoredAlways are the reasons that nothing sets aside.
func TestNotStoredAlways(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789", 1000)
	o := startRawOrigin(t, func(conn net.Conn, r *http.Request) {
		switch r.URL.Path {
		case "/unproven.bin": // the end of the connection is the end of the body
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+body)
		case "/unproven10.bin":
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n"+body)
		case "/unproven20.bin":
			_, _ = io.WriteString(conn, "HTTP/2.0 200 OK\r\n\r\n"+body)
		case "/chunked.bin":
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body),
				body)
		default:
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	const all = "override: [no-store, private, set-cookie, cookie, vary, type, empty]"
	f := func(name, global, store, target string) *rig {
		t.Helper()
		r := serve(t, global+site("", `{id: r, store: {`+store+`}, origin: {primary: "${ORIGIN}"}}`), "ORIGIN="+o.url)
		before := o.count(target)
		for range 2 {
			a := r.get(t, target)
			equal(t, name+": status", a.Status, 200)
			equal(t, name+": body", string(a.Body), body)
			if a.Err != nil {
				t.Errorf("%s: the body broke off: %v", name, a.Err)
			}
			if target != "/chunked.bin" { // only its end shows that it is too long
				equal(t, name+": Cache-Status", a.Header.Get("Cache-Status"), streamed("r"))
			}
		}
		equal(t, name+": requests", o.count(target)-before, 2)
		r.wantBucket(t)
		return r
	}
	f("unproven", "", all, "/unproven.bin")
	f("unproven, HTTP/1.0", "", all, "/unproven10.bin")
	f("unproven, though it claims to be HTTP/2", "", all, "/unproven20.bin")
	f("max_object", "", "max_object: 9999", "/plain.bin")
	f("max_object, chunked", "", "max_object: 9999", "/chunked.bin")
	r := f("spool", "spool: {max_bytes: 9999}\n", "", "/plain.bin")
	if !strings.Contains(r.Log(t), "spool.max_bytes") {
		t.Error("the log does not name spool.max_bytes")
	}

	r = serve(t, site("", `{id: r, store: {max_object: 10000}, origin: {primary: "${ORIGIN}"}}`), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/plain.bin"), body, saved("r"))
	wantObject(t, r.get(t, "/chunked.bin"), body, saved("r"))
	r.wantBucket(t, "plain.bin", "chunked.bin")
}

// cookieOrigin answers with the cookie that it was sent.
func cookieOrigin(w http.ResponseWriter, r *http.Request) {
	page{body: "for <" + r.Header.Get("Cookie") + ">"}.ServeHTTP(w, r)
}

// TestCookie: an answer to a pull that carried a client's cookie is that client's alone.
func TestCookie(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, cookieOrigin)
	r := serveRules(t, o, `{id: r, forward: {headers: {pass: [Cookie]}}, origin: {primary: "${ORIGIN}"}}`)
	wantObject(t, r.get(t, "/a.txt", "Cookie", "user=1"), "for <user=1>", streamed("r"))
	wantObject(t, r.get(t, "/a.txt", "Cookie", "user=2"), "for <user=2>", streamed("r"))
	wantObject(t, r.get(t, "/a.txt"), "for <>", saved("r"))
	wantHit(t, r.get(t, "/a.txt", "Cookie", "user=1"), "for <>")
	o.wantTotal(t, 3)
	r.wantBucket(t, "a.txt")
}

func TestCookieOverridden(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, cookieOrigin)
	r := serveRules(t, o, `{id: r, store: {override: [cookie]}, forward: {headers: {pass: [Cookie]}},
    origin: {primary: "${ORIGIN}"}}`)
	wantObject(t, r.get(t, "/a.txt", "Cookie", "user=1"), "for <user=1>", saved("r"))
	wantHit(t, r.get(t, "/a.txt", "Cookie", "user=2"), "for <user=1>")
	r.wantBucket(t, "a.txt")
}

// TestCookieNotPassed: a cookie that stays here hinders nothing.
func TestCookieNotPassed(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, cookieOrigin)
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}"}}`)
	wantObject(t, r.get(t, "/a.txt", "Cookie", "user=1"), "for <>", saved("r"))
	r.wantBucket(t, "a.txt")
}

// TestCookieRefused: what one client is refused for its cookie, or lets in, says nothing of the others.
func TestCookieRefused(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "user=1" {
			page{status: 403}.ServeHTTP(w, r)
			return
		}
		page{body: "for user 1"}.ServeHTTP(w, r)
	})
	r := serveRules(t, o, `{id: r, forward: {headers: {pass: [Cookie]}}, origin: {primary: "${ORIGIN}"}}`)
	for range 2 {
		equal(t, "another cookie", r.get(t, "/a.txt", "Cookie", "user=2").Status, 403)
		equal(t, "no cookie", r.get(t, "/a.txt").Status, 403)
		wantObject(t, r.get(t, "/a.txt", "Cookie", "user=1"), "for user 1", streamed("r"))
	}
	o.wantTotal(t, 5) // only the answer to nobody in particular is remembered
	r.wantBucket(t)
}
