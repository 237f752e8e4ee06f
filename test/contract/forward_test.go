package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// queryOrigin answers with the target that it was asked for.
func queryOrigin(t *testing.T) *origin {
	return startOrigin(t, func(w http.ResponseWriter, r *http.Request) { page{body: r.RequestURI}.ServeHTTP(w, r) })
}

func queryRule(query string) string {
	return `{id: r, forward: {query: ` + query + `}, origin: {primary: "${ORIGIN}"}}`
}

func TestQueryNone(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	r := serveRules(t, o, queryRule("none"))
	wantObject(t, r.get(t, "/a.txt?w=1"), "/a.txt", saved("r"))
	wantHit(t, r.get(t, "/a.txt?w=2"), "/a.txt")
	wantHit(t, r.get(t, "/a.txt"), "/a.txt")
	o.wantTotal(t, 1)
	r.wantBucket(t, "a.txt")
}

func TestQuerySame(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	r := serveRules(t, o, queryRule("same"))
	wantObject(t, r.get(t, "/a.txt?b=%2F&a=+%20&&=?/#x"), "/a.txt?b=%2F&a=+%20&&=?/", saved("r"))
	wantHit(t, r.get(t, "/a.txt?other"), "/a.txt?b=%2F&a=+%20&&=?/")
	wantHit(t, r.get(t, "/a.txt"), "/a.txt?b=%2F&a=+%20&&=?/")
	wantObject(t, r.get(t, "/b.txt"), "/b.txt", saved("r"))
	r.wantBucket(t, "a.txt", "b.txt")
}

func TestQueryKey(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	r := serveRules(t, o, queryRule("key"))
	r.put(t, "here.txt", "without")
	r.put(t, "here.txt?w=1", "with")
	for _, target := range []string{"/a.txt?w=2", "/a.txt?w=3", "/a.txt", "/a.txt?w=2&h=1", "/a.txt?h=1&w=2",
		"/a.txt?w=%32"} {
		wantObject(t, r.get(t, target), target, saved("r"))
		wantHit(t, r.get(t, target), target)
	}
	wantObject(t, r.get(t, "/here.txt"), "without", hitBucket)
	wantObject(t, r.get(t, "/here.txt?w=1"), "with", hitBucket)
	wantObject(t, r.get(t, "/here.txt?w=2"), "/here.txt?w=2", saved("r"))
	failure{status: 400, code: "KeyTooLongError"}.want(t, "GET", r.get(t, "/a.txt?"+strings.Repeat("q", 1020)))
	o.wantTotal(t, 7)
	r.wantBucket(t, "a.txt", "a.txt?h=1&w=2", "a.txt?w=%32", "a.txt?w=2", "a.txt?w=2&h=1", "a.txt?w=3", "here.txt",
		"here.txt?w=1", "here.txt?w=2")
}

// TestQueryKeyIsNobodyElses: a path cannot have the key that a path with a query has.
func TestQueryKeyIsNobodyElses(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	r := serveRules(t, o, queryRule("key"))
	a := r.get(t, "/a.txt%3Fw=2")
	wantObject(t, r.get(t, "/a.txt?w=2"), "/a.txt?w=2", saved("r"))
	if a.Status == 200 && string(a.Body) != "/a.txt%3Fw=2" {
		t.Errorf("/a.txt%%3Fw=2 is %q", a.Body)
	}
	r.waitSaved(t, "a.txt?w=2", "/a.txt?w=2")
}

func TestQuerySkip(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	r := serveRules(t, o, queryRule("skip"))
	r.put(t, "here.txt", "here")
	bypass := `mirrorgate; fwd=bypass; rule="r"`
	for range 2 {
		wantObject(t, r.get(t, "/a.txt?w=2"), "/a.txt?w=2", bypass)
		wantObject(t, r.get(t, "/here.txt?w=2"), "/here.txt?w=2", bypass)
	}
	equal(t, "HEAD", r.head(t, "/here.txt?w=2").Header.Get("Cache-Status"), bypass)
	wantObject(t, r.get(t, "/here.txt"), "here", hitBucket)
	wantObject(t, r.get(t, "/a.txt"), "/a.txt", saved("r"))
	wantHit(t, r.get(t, "/a.txt"), "/a.txt")
	equal(t, "with a query", o.count("/a.txt?w=2")+o.count("/here.txt?w=2"), 5)
	o.wantTotal(t, 6)
	r.wantBucket(t, "a.txt", "here.txt")
}

// headerCase is a rule's forward.headers, what a client sends, and what the origin gets besides what it always gets.
type headerCase struct {
	name, rule string
	sent       []string
	want       map[string]string // "" for: not at all; "begin*"
}

func headerCases() []headerCase {
	return []headerCase{
		{
			"nothing passes", "", []string{"X-A", "1", "User-Agent", "curl/8", "Accept", "*/*", "Referer", "x"},
			map[string]string{"X-A": "", "Accept": "", "Referer": "", "User-Agent": "mirrorgate/*",
				"Accept-Encoding": "identity", "Via": "1.1 mirrorgate"},
		},
		{
			"a list passes", "pass: [x-a, Accept]", []string{"X-A", "1", "X-B", "2", "Accept", "image/webp"},
			map[string]string{"X-A": "1", "X-B": "", "Accept": "image/webp"},
		},
		{"several lines pass", "pass: [X-A]", []string{"X-A", "1", "X-A", "2, 3"}, map[string]string{"X-A": "1|2, 3"}},
		{"all passes", "pass: all", []string{"X-A", "1", "X-B", "2", "User-Agent", "curl/8"},
			map[string]string{"X-A": "1", "X-B": "2", "User-Agent": "curl/8"}},
		{"drop beats all", "pass: all, drop: [x-b]", []string{"X-A", "1", "X-B", "2"},
			map[string]string{"X-A": "1", "X-B": ""}},
		{"drop beats a list", "pass: [X-A, X-B], drop: [X-B]", []string{"X-A", "1", "X-B", "2"},
			map[string]string{"X-A": "1", "X-B": ""}},
		{"set beats pass", "pass: [X-A], set: {X-A: ours}", []string{"X-A", "1"}, map[string]string{"X-A": "ours"}},
		{"set beats drop", "pass: all, drop: [X-A], set: {x-a: ours}", []string{"X-A", "1"},
			map[string]string{"X-A": "ours"}},
		{"set alone", `set: {X-A: ours, Authorization: "Basic eDp5"}`, []string{"Authorization", "Bearer client"},
			map[string]string{"X-A": "ours", "Authorization": "Basic eDp5"}},
		{"the agent passes", "pass: [User-Agent]", []string{"User-Agent", "curl/8"},
			map[string]string{"User-Agent": "curl/8"}},
		{"the agent is set", "set: {User-Agent: ours}", []string{"User-Agent", "curl/8"},
			map[string]string{"User-Agent": "ours"}},
		{
			"our own stay", "pass: all, drop: [User-Agent, Via, CDN-Loop, Accept-Encoding]", []string{"User-Agent", "curl/8"},
			map[string]string{"User-Agent": "mirrorgate/*", "Via": "1.1 mirrorgate", "CDN-Loop": "mirrorgate-*",
				"Accept-Encoding": "identity"},
		},
		{"Connection names", "pass: all", []string{"Connection", "close, X-A", "X-A", "1", "X-B", "2"},
			map[string]string{"X-A": "", "X-B": "2"}},
	}
}

func TestForwardHeaders(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	var rules []string
	for n, c := range headerCases() {
		rules = append(rules, fmt.Sprintf(`{id: r-%d, match: {prefix: %d/}, forward: {headers: {%s}},
    origin: {primary: "${ORIGIN}"}}`, n, n, c.rule))
	}
	r := serveRules(t, o, rules...)
	for n, c := range headerCases() {
		t.Run(c.name, func(t *testing.T) {
			target := fmt.Sprintf("/%d/a.txt", n)
			wantObject(t, r.get(t, target, c.sent...), target, saved(fmt.Sprintf("r-%d", n)))
			equal(t, "target", o.last(t).target, target)
			for name, value := range c.want {
				got := strings.Join(o.last(t).header.Values(name), "|")
				if begin, ok := strings.CutSuffix(value, "*"); ok && strings.HasPrefix(got, begin) {
					continue
				}
				equal(t, name, got, value)
			}
		})
	}
	o.wantTotal(t, len(rules))
}

// TestSetValuesStayHere: what a rule sets is a secret, wherever an answer might show it.
func TestSetValuesStayHere(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			page{status: 404, body: "you sent " + r.Header.Get("X-Key")}.ServeHTTP(w, r)
			return
		}
		page{status: 500, body: "you sent " + r.Header.Get("X-Key")}.ServeHTTP(w, r)
	})
	const set = `forward: {headers: {set: {X-Key: verysecret}}}, origin: {primary: "${ORIGIN}"}`
	r := serveRules(t, o, `{id: sent, mode: redirect, redirect: {store: false}, match: {prefix: r/}, `+set+`}`,
		`{id: proxied, mode: proxy, match: {prefix: p/}, rewrite: {crop: true}, `+set+`}`, `{id: m, `+set+`}`)
	for _, target := range []string{"/a", "/missing", "/r/a", "/p/a", "/p/missing"} {
		a := r.get(t, target)
		if strings.Contains(string(a.Body), "verysecret") {
			t.Errorf("%s: the body tells the secret: %s", target, a.Body)
		}
		for name := range a.Header {
			if strings.Contains(a.Header.Get(name), "verysecret") {
				t.Errorf("%s: %s tells the secret", target, name)
			}
		}
	}
	equal(t, "X-Key", o.last(t).header.Get("X-Key"), "verysecret")
	if strings.Contains(r.Log(t), "verysecret") {
		t.Error("the log tells the secret")
	}
}

// TestHostHeader: the origin's own name, or the configured one; the dialled address is no part of it.
func TestHostHeader(t *testing.T) {
	t.Parallel()
	o := queryOrigin(t)
	r := serveRules(t, o,
		`{id: plain, match: {prefix: plain/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: host, match: {prefix: host/}, origin: {primary: {url: "${ORIGIN}", host: other.test}}}`,
		`{id: moved, match: {prefix: moved/}, origin: {primary: {url: "http://site.test:8000", connect_to: "`+o.addr+`"}}}`)
	for rule, host := range map[string]string{"plain": o.addr, "host": "other.test", "moved": "site.test:8000"} {
		wantObject(t, r.get(t, "/"+rule+"/a"), "/"+rule+"/a", saved(rule))
		equal(t, rule, o.last(t).host, host)
	}
}
