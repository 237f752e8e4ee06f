package contract_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// shownHeaders are those of an answer that belong to the object.
func shownHeaders(a harness.Answer) string {
	var lines []string
	for name, values := range a.Header {
		switch name {
		case "Date", "X-Request-Id", "Cache-Status", "Connection", "Content-Length", "Transfer-Encoding":
		default:
			lines = append(lines, name+": "+strings.Join(values, "|"))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// lives asks for an object as a miss, a hit, with HEAD, as 304, as a part, and again after a restart of the gateway,
// and fails the test unless all show the same headers. It returns those.
func (r *rig) lives(t *testing.T, target, body string, header ...string) http.Header {
	t.Helper()
	before := r.head(t, target, header...)
	miss := r.get(t, target, header...)
	wantObject(t, miss, body, saved("r"))
	want := shownHeaders(miss)
	equal(t, "HEAD of a miss", shownHeaders(before), want)
	check := func(what string, a harness.Answer) {
		t.Helper()
		equal(t, what, shownHeaders(a), want)
	}
	check("early hit", r.get(t, target))
	r.waitSaved(t, strings.TrimPrefix(target, "/"), body)
	for _, when := range []string{"", " after the restart"} {
		hit := r.get(t, target)
		wantObject(t, hit, body, hitBucket)
		check("hit"+when, hit)
		head := r.head(t, target)
		check("HEAD of a hit"+when, head)
		equal(t, "Content-Length"+when, head.Header.Get("Content-Length"), fmt.Sprint(len(body)))
		if tag := miss.Header.Get("ETag"); tag != "" {
			unmodified := r.get(t, target, "If-None-Match", tag)
			equal(t, "status"+when, unmodified.Status, 304)
			for _, name := range []string{"ETag", "Last-Modified", "Cache-Control", "Expires"} { // RFC 9110 section 15.4.5
				equal(t, name+" of 304"+when, unmodified.Header.Get(name), miss.Header.Get(name))
			}
		}
		part := r.get(t, target, "Range", "bytes=0-0")
		equal(t, "status"+when, part.Status, 206)
		part.Header.Del("Content-Range")
		check("part"+when, part)
		if when == "" {
			r.Restart(t)
		}
	}
	return miss.Header
}

func metadataOrigin(t *testing.T, header ...string) *origin {
	return startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		length := []string{"Content-Length", "8"}
		page{header: append(length, header...), body: "the body"}.ServeHTTP(w, r)
	})
}

// TestMetadata: the seven headers, the validators, and nothing else.
func TestMetadata(t *testing.T) {
	t.Parallel()
	sent := []string{
		"Content-Type", "image/x-odd; charset=utf-8; a=\"b\"", "Content-Encoding", "br",
		"Content-Disposition", "attachment; filename=\"a b.jpg\"",
		"Cache-Control", "max-age=600, s-maxage=1200, immutable", "Expires", "Wed, 01 Jan 2031 00:00:00 GMT",
		"Content-Language", "de-AT, en",
		"Access-Control-Allow-Origin", "*", "ETag", `W/"odd tag!"`, "Last-Modified", modified,
	}
	dropped := []string{
		"Server", "oldserver/1", "Age", "77", "X-Powered-By", "x", "Vary", "Accept-Encoding", "Set-Cookie2", "a",
		"X-Cache", "HIT", "mg-etag", "x", "X-Amz-Meta-Mg-Etag", "x",
		"X-Amz-Meta-A", "x", "X-Amz-Request-Id", "x", "Cache-Status", "x; hit", "Via", "1.1 x", "X-Request-Id", "x",
		"Keep-Alive", "timeout=5", "Strict-Transport-Security", "max-age=1",
		"Link", "</a>; rel=preload", "Surrogate-Key", "a",
	}
	o := metadataOrigin(t, append(slices.Clone(sent), dropped...)...)
	r := serveRules(t, o, mirrorRule)
	shown := r.lives(t, "/a.jpg", "the body")
	for i := 0; i < len(sent); i += 2 {
		equal(t, sent[i], strings.Join(shown.Values(sent[i]), "|"), sent[i+1])
	}
	equal(t, "Via", shown.Get("Via"), "1.1 mirrorgate")
	equal(t, "Accept-Ranges", shown.Get("Accept-Ranges"), "bytes")
	for i := 0; i < len(dropped); i += 2 {
		switch name := dropped[i]; name {
		case "Via", "X-Request-Id", "Cache-Status":
		default:
			equal(t, name, shown.Get(name), "")
		}
	}
	o.wantTotal(t, 2)
}

// TestOddMetadata: what a bucket cannot hold raw comes back exactly.
func TestOddMetadata(t *testing.T) {
	t.Parallel()
	sent := []string{
		"Content-Type", "text/plain", "Content-Disposition", "attachment; filename=\"d\xc3\xa9j\xc3\xa0  vu.txt\"",
		"Content-Language", "x-\xe9", "Cache-Control", "max-age=60,  public",
		"Last-Modified", modified, "ETag", `"` + strings.Repeat("e", 200) + `"`, "Access-Control-Allow-Origin", "*",
	}
	r := serveRules(t, metadataOrigin(t, sent...), mirrorRule)
	shown := r.lives(t, "/a.txt", "the body")
	for i := 0; i < len(sent); i += 2 {
		equal(t, sent[i], shown.Get(sent[i]), sent[i+1])
	}
}

// TestLongMetadata: over 2 KiB whole headers go, and they are gone from the first answer on.
func TestLongMetadata(t *testing.T) {
	t.Parallel()
	sent := []string{"Content-Type", "text/plain", "ETag", `"v1"`, "Last-Modified", modified, "Surrogate-Key",
		strings.Repeat("a", 900), "X-Robots-Tag", strings.Repeat("b", 900), "Cache-Tag", strings.Repeat("c", 900)}
	o := metadataOrigin(t, sent...)
	r := serveRules(t, o, `{id: r, store: {headers: [Surrogate-Key, X-Robots-Tag, Cache-Tag]},
    origin: {primary: "${ORIGIN}"}}`)
	shown := r.lives(t, "/a.txt", "the body")
	equal(t, "ETag", shown.Get("ETag"), `"v1"`)
	equal(t, "Last-Modified", shown.Get("Last-Modified"), modified)
	kept := 0
	for _, name := range []string{"Surrogate-Key", "X-Robots-Tag", "Cache-Tag"} {
		if n := len(shown.Get(name)); n == 900 {
			kept++
		} else if n != 0 {
			t.Errorf("%s has %d bytes: not a whole header", name, n)
		}
	}
	if kept == 0 || kept == 3 {
		t.Errorf("%d of 3 long headers are kept", kept)
	}
}

// TestStoreHeaders are the further ones that a rule keeps.
func TestStoreHeaders(t *testing.T) {
	t.Parallel()
	o := metadataOrigin(t, "Surrogate-Key", "a b", "Cache-Tag", "x", "Cache-Tag", "y", "X-Robots-Tag", "noindex",
		"Timing-Allow-Origin", "*", "X-Other", "no")
	r := serveRules(t, o, `{id: r, store: {headers: [surrogate-key, Cache-Tag, X-Robots-Tag, Timing-Allow-Origin,
    X-Absent]}, origin: {primary: "${ORIGIN}"}}`)
	shown := make(http.Header)
	r.get(t, "/a.txt")
	r.waitSaved(t, "a.txt", "the body")
	for range 2 {
		shown = r.get(t, "/a.txt").Header
		for name, value := range map[string]string{"Surrogate-Key": "a b", "Cache-Tag": "x, y", "X-Robots-Tag": "noindex",
			"Timing-Allow-Origin": "*", "X-Other": "", "X-Absent": ""} {
			equal(t, name, strings.Join(shown.Values(name), ", "), value)
		}
		r.Restart(t)
	}
	fresh := r.get(t, "/b.txt")
	for _, name := range []string{"Surrogate-Key", "Cache-Tag", "X-Robots-Tag", "Timing-Allow-Origin", "X-Other"} {
		equal(t, name+" of a miss", strings.Join(fresh.Header.Values(name), ", "), strings.Join(shown.Values(name), ", "))
	}
}

// TestNoContentType: the default is there from the first answer on.
func TestNoContentType(t *testing.T) {
	t.Parallel()
	r := serveRules(t, metadataOrigin(t, "ETag", `"v1"`, "Last-Modified", modified), mirrorRule)
	equal(t, "Content-Type", r.lives(t, "/a.html", "the body").Get("Content-Type"), "application/octet-stream")
}

// TestNoValidators: where the origin sends none the bucket's are shown, as soon as they can be known.
func TestNoValidators(t *testing.T) {
	t.Parallel()
	r := serveRules(t, metadataOrigin(t, "Content-Type", "text/plain"), mirrorRule)
	wantObject(t, r.get(t, "/a.txt"), "the body", saved("r"))
	r.waitSaved(t, "a.txt", "the body")
	hit := r.get(t, "/a.txt")
	tag, changed := hit.Header.Get("ETag"), hit.Header.Get("Last-Modified")
	if !strings.HasPrefix(tag, `"`) || changed == "" {
		t.Fatalf("ETag is %q, Last-Modified %q", tag, changed)
	}
	equal(t, "status", r.get(t, "/a.txt", "If-None-Match", tag).Status, 304)
	equal(t, "status", r.get(t, "/a.txt", "Range", "bytes=0-0", "If-Range", tag).Status, 206)
	r.Restart(t)
	equal(t, "headers after the restart", shownHeaders(r.get(t, "/a.txt")), shownHeaders(hit))
}

// TestBadValidators: what is no validator is none.
func TestBadValidators(t *testing.T) {
	t.Parallel()
	r := serveRules(t, metadataOrigin(t, "Content-Type", "text/plain", "ETag", "unquoted", "Last-Modified", "yesterday"),
		mirrorRule)
	a := r.get(t, "/a.txt")
	equal(t, "ETag", a.Header.Get("ETag"), "")
	equal(t, "Last-Modified", a.Header.Get("Last-Modified"), "")
	r.waitSaved(t, "a.txt", "the body")
	if tag := r.get(t, "/a.txt").Header.Get("ETag"); !strings.HasPrefix(tag, `"`) {
		t.Errorf("ETag of the hit is %q", tag)
	}
}

// TestBucketValidators is the setting validators: bucket.
func TestBucketValidators(t *testing.T) {
	t.Parallel()
	o := metadataOrigin(t, "Content-Type", "text/plain", "ETag", `"v1"`, "Last-Modified", modified)
	r := serve(t, site("validators: bucket", mirrorRule), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/a.txt"), "the body", saved("r"))
	r.waitSaved(t, "a.txt", "the body")
	hit := r.get(t, "/a.txt")
	if tag := hit.Header.Get("ETag"); tag == `"v1"` || tag == "" {
		t.Errorf("ETag is %q", tag)
	}
	if changed := hit.Header.Get("Last-Modified"); changed == modified || changed == "" {
		t.Errorf("Last-Modified is %q", changed)
	}
	equal(t, "status", r.get(t, "/a.txt", "If-None-Match", `"v1"`).Status, 200)
}

// TestExpires: alone it moves with the time, beside a lifetime in Cache-Control it stays.
func TestExpires(t *testing.T) {
	t.Parallel()
	const long = 1000 * time.Hour
	at := time.Now().Add(long).UTC().Format(http.TimeFormat)
	const past = "Wed, 01 Jan 2020 00:00:00 GMT"
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		page{header: map[string][]string{
			"/alone":   {"Expires", at},
			"/beside":  {"Expires", at, "Cache-Control", "max-age=60"},
			"/public":  {"Expires", at, "Cache-Control", "public"},
			"/past":    {"Expires", past},
			"/zero":    {"Expires", "0"},
			"/earlier": {"Expires", "Wed, 01 Jan 2020 01:00:00 GMT", "Date", past},
		}[r.URL.Path], body: "the body"}.ServeHTTP(w, r)
	})
	r := serveRules(t, o, mirrorRule)
	f := func(target string, check func(what, expires string)) {
		t.Helper()
		check(target+", miss", r.get(t, target).Header.Get("Expires"))
		r.waitSaved(t, target[1:], "the body")
		check(target+", hit", r.get(t, target).Header.Get("Expires"))
	}
	stays := func(want string) func(what, expires string) {
		return func(what, expires string) { t.Helper(); equal(t, what, expires, want) }
	}
	moves := func(lifetime time.Duration) func(what, expires string) {
		return func(what, expires string) {
			t.Helper()
			got, err := http.ParseTime(expires)
			if off := got.Sub(time.Now().Add(lifetime)).Abs(); err != nil || off > time.Minute {
				t.Errorf("%s: Expires is %q, %v off", what, expires, off)
			}
		}
	}
	f("/alone", moves(long))
	f("/beside", stays(at))
	f("/public", moves(long))
	f("/past", stays(past))
	f("/zero", stays("0"))
	f("/earlier", moves(time.Hour))
}

// TestAllowOrigin: an answer to one page's origin is not one to all.
func TestAllowOrigin(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		allow := r.Header.Get("Origin")
		if allow == "" {
			allow = "https://fixed.test"
		}
		if strings.HasPrefix(r.URL.Path, "/star") {
			allow = "*"
		}
		page{header: []string{"Access-Control-Allow-Origin", allow, "Vary", "Origin"}, body: "the body"}.ServeHTTP(w, r)
	})
	r := serveRules(t, o, `{id: r, forward: {headers: {pass: [Origin]}}, origin: {primary: "${ORIGIN}"}}`)
	f := func(target, allow string, header ...string) {
		t.Helper()
		equal(t, target+", miss", r.get(t, target, header...).Header.Get("Access-Control-Allow-Origin"), allow)
		r.waitSaved(t, target[1:], "the body")
		equal(t, target+", hit", r.get(t, target).Header.Get("Access-Control-Allow-Origin"), allow)
	}
	f("/star1", "*")
	f("/star2", "*", "Origin", "https://a.test")
	f("/fixed", "https://fixed.test")
	f("/echoed", "", "Origin", "https://a.test")
}

// TestCopiedIn: a file that somebody put into the bucket is an object like any other.
func TestCopiedIn(t *testing.T) {
	t.Parallel()
	r := serveRules(t, startOrigin(t, http.NotFound), mirrorRule)
	r.put(t, "a.css", "the body")
	a := r.get(t, "/a.css")
	wantObject(t, a, "the body", hitBucket)
	if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/css") {
		t.Errorf("Content-Type is %q", kind)
	}
	tag := a.Header.Get("ETag")
	equal(t, "status", r.get(t, "/a.css", "If-None-Match", tag).Status, 304)
	r.put(t, "a.css", "another body")
	if b := r.get(t, "/a.css"); b.Header.Get("ETag") == tag || string(b.Body) != "another body" {
		t.Errorf("the new file is shown as %q with the old tag %s", b.Body, tag)
	}
}

// TestReplacedByHand: the provenance of other bytes is not believed.
func TestReplacedByHand(t *testing.T) {
	t.Parallel()
	r := serveRules(t, metadataOrigin(t, "Content-Type", "image/x-odd", "ETag", `"v1"`, "Last-Modified", modified),
		mirrorRule)
	r.get(t, "/a.txt")
	r.waitSaved(t, "a.txt", "the body")
	r.put(t, "a.txt", "THE BODY")
	a := r.get(t, "/a.txt")
	wantObject(t, a, "THE BODY", hitBucket)
	if a.Header.Get("ETag") == `"v1"` || a.Header.Get("Last-Modified") == modified {
		t.Errorf("other bytes are shown with the origin's validators: %v", a.Header)
	}
}

// TestHeadOfMisses: the headers of a GET, nothing stored, and origins that refuse HEAD.
func TestHeadOfMisses(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		var refusal int
		_, _ = fmt.Sscanf(r.URL.Path, "/refuses-%d", &refusal)
		kind := strings.TrimPrefix(r.URL.Path, fmt.Sprintf("/refuses-%d-", refusal))
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", "text/plain")
		switch {
		case r.Method == http.MethodHead && refusal > 0:
			w.WriteHeader(refusal)
		case kind == "whole":
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "the body")
		case kind == "empty":
			w.Header().Set("Content-Range", "bytes */0")
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		case kind == "unknown":
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "the body")
		default:
			http.ServeContent(w, r, "", time.Unix(784903526, 0), strings.NewReader("the body"))
		}
	})
	r := serveRules(t, o, mirrorRule)
	f := func(target, length string) {
		t.Helper()
		a := r.head(t, target)
		equal(t, target+": status", a.Status, 200)
		equal(t, target+": Content-Length", a.Header.Get("Content-Length"), length)
		equal(t, target+": Transfer-Encoding", a.Header.Get("Transfer-Encoding"), "")
		equal(t, target+": Content-Range", a.Header.Get("Content-Range"), "")
		equal(t, target+": ETag", a.Header.Get("ETag"), `"v1"`)
		equal(t, target+": Cache-Status", a.Header.Get("Cache-Status"), streamed("r"))
	}
	f("/plain", "8")
	equal(t, "method", o.last(t).method, "HEAD")
	for _, refusal := range []int{403, 405, 501} {
		f(fmt.Sprintf("/refuses-%d-", refusal), "8")
		equal(t, "Range", o.last(t).header.Get("Range"), "bytes=0-0")
		f(fmt.Sprintf("/refuses-%d-whole", refusal), "8")
		f(fmt.Sprintf("/refuses-%d-empty", refusal), "0")
		f(fmt.Sprintf("/refuses-%d-unknown", refusal), "")
	}
	failure{status: 502}.want(t, "HEAD", r.head(t, "/refuses-500-"))
	r.wantBucket(t)
}

// TestHeadThenGet: a HEAD leaves a connection on which the next answer is understood.
func TestHeadThenGet(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		page{chunked: true, body: "the body"}.ServeHTTP(w, r)
	})
	r := serveRules(t, o, mirrorRule)
	w := r.dial(t)
	for range 3 {
		w.send(t, request("HEAD", "/a.txt", "Connection", "keep-alive"))
		equal(t, "status", w.answer(t, "HEAD").Status, 200)
		w.send(t, request("GET", "/a.txt", "Connection", "keep-alive"))
		equal(t, "body", string(w.answer(t, "GET").Body), "the body")
	}
	r.wantBucket(t, "a.txt")
}

// TestIndex: the site's index stands in for folders, and nothing else does.
func TestIndex(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serve(t, site("index: index.html", mirrorRule), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/"), "/index.html", saved("r"))
	wantObject(t, r.get(t, "/a/"), "/a/index.html", saved("r"))
	wantHit(t, r.get(t, "/a/index.html"), "/a/index.html")
	wantObject(t, r.get(t, "/b"), "/b", saved("r"))
	failure{status: 404, code: "NoSuchKey"}.want(t, "GET", r.get(t, "/.mirrorgate/"))
	r.wantBucket(t, "a/index.html", "b", "index.html")
}

// TestKeySettings: case and slashes, where the site says so.
func TestKeySettings(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serve(t, site("key: {case: lower, merge_slashes: true}", mirrorRule), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/A//B.TXT"), "/a/b.txt", saved("r"))
	wantHit(t, r.get(t, "/a/b.txt"), "/a/b.txt")
	wantHit(t, r.get(t, "//a/%2F/b%2Etxt"), "/a/b.txt")
	r.wantBucket(t, "a/b.txt")
}

// TestMetadataOfRule: what a rule adds is shown from the first answer on, and a header of that name that an unsigned
// origin sends is not.
func TestMetadataOfRule(t *testing.T) {
	t.Parallel()
	o := metadataOrigin(t, "ETag", `"v1"`, "Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT",
		"X-Amz-Meta-Colour", "red", "X-Amz-Meta-Size", "xl")
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}"}, store: {metadata: {colour: "deep blue", team: web}}}`)
	shown := r.lives(t, "/a", "the body")
	equal(t, "x-amz-meta-colour", shown.Get("X-Amz-Meta-Colour"), "deep blue")
	equal(t, "x-amz-meta-team", shown.Get("X-Amz-Meta-Team"), "web")
	equal(t, "x-amz-meta-size", shown.Get("X-Amz-Meta-Size"), "")
}
