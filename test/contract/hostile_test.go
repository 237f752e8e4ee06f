package contract_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

const mirrorRule = `{id: r, origin: {primary: "${ORIGIN}"}}`

// TestHostileKeys: keys that no origin and no bucket may see, or only in one way.
func TestHostileKeys(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o,
		`{id: sent, mode: redirect, match: {prefix: r/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: passed, mode: proxy, match: {prefix: p/}, origin: {primary: "${ORIGIN}"}}`,
		mirrorRule)
	uri := failure{status: 400, code: "InvalidURI"}
	missing := failure{status: 404, code: "NoSuchKey"}
	f := func(want failure, targets ...string) {
		t.Helper()
		for _, target := range targets {
			a := r.get(t, target)
			want.want(t, "GET", a)
			if location := a.Header.Get("Location"); location != "" {
				t.Errorf("Location is %q", location)
			}
			if t.Failed() {
				t.Fatalf("that was %q", target)
			}
		}
	}
	f(uri, "/%", "/a%", "/a%4", "/%zz", "/%4g", "/%u0041", "/a%00b", "/%00", "/\xe9", "/%E9", "/%C3", "/%ED%A0%80",
		"/%C0%AE%C0%AE/x", "/a%FF")
	f(uri, "a", "*", "http://site.test/a", "http:/a", "?a=/", "..")
	f(failure{status: 400, code: "KeyTooLongError"}, "/"+strings.Repeat("k", 1025), "/"+strings.Repeat("%C3%A9", 513),
		"/"+strings.Repeat("%41", 1025))
	f(missing, "/", "/?a=b")
	for _, mode := range []string{"", "r/", "p/"} {
		for _, path := range []string{
			"../etc/passwd", "..", ".", "a/../b", "a/./b", "a/..", "a/%2e%2e/b", "%2e/b", "a/%2E./b", "a/.%2e", "a%2f..%2fb",
			"a/%252e%252e/b", "a/%252e%252e%252fb", "%252e%252e%255cb", `a\b`, `..\..\a`, "a%5Cb", "a%255cb",
		} {
			f(missing, "/"+mode+path)
		}
	}
	f(missing, "/.mirrorgate/", "/.mirrorgate/meta/x", "/%2emirrorgate/tmp/x", "/.mirrorgate%2fx",
		"/.mirrorgate/aside/00/x")
	o.wantTotal(t, 0)
	r.wantBucket(t)
}

// TestInternalKeys: no spelling leads to what mirrorgate keeps for itself.
func TestInternalKeys(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serve(t, site("key: {case: lower, merge_slashes: true}\nindex: index.html",
		`{id: sent, mode: redirect, match: {suffix: r}, origin: {primary: "${ORIGIN}"}}`, mirrorRule), "ORIGIN="+o.url)
	r.put(t, ".mirrorgate/meta/secret", "secret")
	for _, target := range []string{"/.mirrorgate/meta/secret", "//.mirrorgate/meta/secret", "/.MirrorGate/meta/secret",
		"/.mirrorgate//meta/secret", "/.mirrorgate/", "/.mirrorgate/r", "/.MIRRORGATE/"} {
		failure{status: 404, code: "NoSuchKey"}.want(t, "GET", r.get(t, target))
	}
	o.wantTotal(t, 0)
	wantObject(t, r.get(t, "/.mirrorgate"), "/.mirrorgate", saved("r"))
}

// TestLegalKeys: what S3 allows and no file system walks on is pulled, and stored under its own name.
func TestLegalKeys(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) { page{body: r.RequestURI}.ServeHTTP(w, r) })
	r := serveRules(t, o, mirrorRule)
	// The target as the client sends it, and as the origin gets it.
	f := func(target, asked string) {
		t.Helper()
		wantObject(t, r.get(t, target), asked, saved("r"))
		wantHit(t, r.get(t, target), asked)
	}
	f("/a", "/a")
	f("/a/b", "/a/b")
	f("/a//b", "/a//b")
	f("//a", "//a")
	f("/a+b%20c", "/a+b%20c")
	f("/%41%2Fx", "/A/x")
	f("/%252F", "/%252F")
	f("/%2525", "/%2525")
	f("/q%3Fw=1", "/q%3Fw=1")
	f("/%23", "/%23")
	f("/%E5%9B%BE%E7%89%87/%c3%a9.png", "/%E5%9B%BE%E7%89%87/%C3%A9.png")
	f("/...", "/...")
	f("/a../b", "/a../b")
	f("/..a/.b", "/..a/.b")
	f("/!$&'()*,;=:@-._~", "/!$&'()*,;=:@-._~")
	f("/%21%22%3C%3E%5E%60%7B%7C%7D%7F%01", "/!%22%3C%3E%5E%60%7B%7C%7D%7F%01")
	f("/"+strings.Repeat("k", 1024), "/"+strings.Repeat("k", 1024))
	f("/"+strings.Repeat("%C3%A9", 512), "/"+strings.Repeat("%C3%A9", 512))
	o.wantTotal(t, 18)
}

// TestEscapedUTF8: with bad_utf8: escape, old names reach the old server as they are, and no two targets share a key.
func TestEscapedUTF8(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) { page{body: r.RequestURI}.ServeHTTP(w, r) })
	r := serve(t, site("key: {bad_utf8: escape}", mirrorRule), "ORIGIN="+o.url)
	for target, asked := range map[string]string{
		"/caf%E9.jpg": "/caf%E9.jpg", "/caf%25E9.jpg": "/caf%25E9.jpg", "/caf%2525E9.jpg": "/caf%2525E9.jpg",
		"/caf%C3%A9.jpg": "/caf%C3%A9.jpg",
		"/%ff%FE":        "/%FF%FE",
	} {
		wantObject(t, r.get(t, target), asked, saved("r"))
		wantHit(t, r.get(t, target), asked)
	}
	o.wantTotal(t, 5)
	r.waitSaved(t, "caf%E9.jpg", "/caf%E9.jpg")
	failure{status: 400, code: "InvalidURI"}.want(t, "GET", r.get(t, "/%00%E9"))
	failure{status: 404, code: "NoSuchKey"}.want(t, "GET", r.get(t, "/%C0%AE%C0%AE/x"))
	o.wantTotal(t, 5)
}

func TestForgedLoopHeader(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	r.put(t, "here.txt", "here")
	wantObject(t, r.get(t, "/1.txt", "CDN-Loop", `cloudflare; loops=3, "a, b"`), "/1.txt", saved("r"))
	chain := o.last(t).header.Get("CDN-Loop")
	token, ok := strings.CutPrefix(chain, `cloudflare; loops=3, "a, b", `)
	if !ok || !strings.HasPrefix(token, "mirrorgate-") || len(token) < len("mirrorgate-")+16 {
		t.Fatalf("the origin got CDN-Loop %q", chain)
	}
	for n, forged := range []string{
		"mirrorgate", "mirrorgate-", "mirrorgate-" + strings.Repeat("0", 32), token[:len(token)-1],
		token + "0", "x" + token, strings.ToUpper(token),
	} {
		target := fmt.Sprintf("/forged%d.txt", n)
		wantObject(t, r.get(t, target, "CDN-Loop", forged), target, saved("r"))
	}
	asked := len(o.requests())
	for _, real := range []string{token, token + "; a=b", "other, " + token, " " + token + " ,other",
		"a,,b;c=d ," + token + ";x"} {
		failure{status: 508, code: "LoopDetected"}.want(t, "GET", r.get(t, "/missing.txt", "CDN-Loop", real), token)
		failure{status: 508}.want(t, "HEAD", r.head(t, "/missing.txt", "CDN-Loop", real))
		wantObject(t, r.get(t, "/here.txt", "CDN-Loop", real), "here", hitBucket)
	}
	failure{status: 508, code: "LoopDetected"}.want(t, "GET", r.get(t, "/missing.txt",
		"CDN-Loop", "other", "CDN-Loop", token))
	o.wantTotal(t, asked)
	// The id outlives the process.
	r.Restart(t)
	failure{status: 508, code: "LoopDetected"}.want(t, "GET", r.get(t, "/missing.txt", "CDN-Loop", token))
	wantObject(t, r.get(t, "/missing.txt"), "/missing.txt", saved("r"))
}

// TestLoop: a gateway whose origin is the gateway asks itself once, and says so.
func TestLoop(t *testing.T) {
	t.Parallel()
	r := serve(t, site("",
		`{id: proxied, mode: proxy, match: {prefix: p/}, origin: {primary: {url: "http://site.test",
    connect_to: "${LISTEN}"}}}`,
		`{id: r, origin: {primary: {url: "http://site.test", connect_to: "${LISTEN}"}}}`))
	r.put(t, "here.txt", "here")
	for _, target := range []string{"/a.txt", "/p/a.txt"} {
		within(t, patience/2, func() { failure{status: 502, code: "MirrorFailed"}.want(t, "GET", r.get(t, target)) })
	}
	if log := r.Log(t); strings.Count(log, "LoopDetected") != 2 {
		t.Errorf("the log does not tell of two loops: %s", log)
	}
	r.wantBucket(t, "here.txt")
}

// TestLoopThroughOthers: the token comes back also through a proxy that adds its own, and then the answer is 508.
func TestLoopThroughOthers(t *testing.T) {
	t.Parallel()
	var inner harness.Answer
	var r *rig
	o := startOrigin(t, func(w http.ResponseWriter, q *http.Request) {
		inner = r.get(t, q.RequestURI, "CDN-Loop", q.Header.Get("CDN-Loop")+", other; a=b")
		page{status: inner.Status, body: string(inner.Body)}.ServeHTTP(w, q)
	})
	r = serveRules(t, o, mirrorRule)
	within(t, patience/2, func() { failure{status: 502, code: "MirrorFailed"}.want(t, "GET", r.get(t, "/a.txt")) })
	failure{status: 508, code: "LoopDetected"}.want(t, "GET", inner)
	o.wantTotal(t, 1)
	r.wantBucket(t)
}

// TestNothingOfTheClients: what a client says of itself or wants reaches the origin only where the rule passes it, and
// some of it never.
func TestNothingOfTheClients(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o,
		`{id: none, match: {prefix: none/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: all, match: {prefix: all/}, forward: {headers: {pass: all}}, origin: {primary: "${ORIGIN}"}}`)
	header := []string{
		"Connection", "close, X-Named", "X-Named", "1", "Keep-Alive", "timeout=5", "TE", "trailers", "Upgrade", "h2c",
		"Proxy-Authorization", "Basic eDp5",
		"Proxy-Connection", "close", "Trailer", "X-T", "HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA",
		"Authorization", "Basic eDp5", "Date", "Tue, 01 Jan 2030 00:00:00 GMT",
		"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==", "Accept-Encoding", "gzip, br", "Range", "bytes=0-0", "If-Range", `"x"`,
		"If-Modified-Since", "Tue, 01 Jan 2019 00:00:00 GMT", "If-None-Match", `"nothing"`, "Via", "1.1 evil",
		"Forwarded", "host=evil", "X-Forwarded-Host", "evil.test",
		"X-Forwarded-For", "10.0.0.1", "X-Forwarded-Proto", "gopher", "X_Forwarded_Host", "evil.test",
		"X-Original-URL", "/secret", "X-Rewrite-URL", "/secret",
		"X-HTTP-Method-Override", "DELETE", "x-amz-acl", "public-read", "x-amz-security-token", "t", "x-oss-a", "1",
		"x-cos-a", "1", "x-obs-a", "1", "x-tos-a", "1", "x-bce-a", "1",
		"X-Custom", "kept",
	}
	own := map[string]string{"Accept-Encoding": "identity", "Via": "1.1 mirrorgate"}
	f := func(target string, passed ...string) {
		t.Helper()
		wantObject(t, r.get(t, target, header...), target, saved(strings.Split(target, "/")[1]))
		last := o.last(t)
		equal(t, "target", last.target, target)
		equal(t, "Host", last.host, o.addr)
		equal(t, "method", last.method, "GET")
		for name, values := range last.header {
			want, ok := own[name]
			switch {
			case ok:
				equal(t, name, strings.Join(values, "|"), want)
			case name == "User-Agent":
				if !strings.HasPrefix(values[0], "mirrorgate/") {
					t.Errorf("User-Agent is %q", values)
				}
			case name == "Cdn-Loop":
			case !slices.Contains(passed, name):
				t.Errorf("the origin got %s: %q", name, values)
			}
		}
		for _, name := range passed {
			if len(last.header[name]) != 1 {
				t.Errorf("the origin got %d headers %s", len(last.header[name]), name)
			}
		}
	}
	f("/none/a.txt")
	f("/all/a.txt", "X-Custom")
	r.wantBucket(t, "all/a.txt", "none/a.txt")
}

// TestForwardedHost: no header but Host chooses the site.
func TestForwardedHost(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"} {
		failure{status: 404, code: "NoSuchBucket"}.want(t, "GET", r.get(t, "/a.txt", "Host", "other.test", name, siteHost))
	}
	o.wantTotal(t, 0)
	wantObject(t, r.get(t, "/a.txt", "X-Forwarded-Host", "evil.test", "X-Original-URL", "/secret",
		"X-Rewrite-URL", "/secret"), "/a.txt", saved("r"))
	wantHit(t, r.get(t, "/a.txt"), "/a.txt")
	o.wantTotal(t, 1)
}

// TestCookieNotJoined: nobody waits for, or gets, an answer that is made for another's cookie.
func TestCookieNotJoined(t *testing.T) {
	t.Parallel()
	g := newGate()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, strings.Repeat(r.Header.Get("Cookie")[5:6], 50))
		_ = http.NewResponseController(w).Flush()
		g.pass(r)
		_, _ = io.WriteString(w, strings.Repeat(r.Header.Get("Cookie")[5:6], 50))
	})
	r := serveRules(t, o, `{id: r, forward: {headers: {pass: [Cookie]}}, origin: {primary: "${ORIGIN}"}}`)
	first := r.open(t, "/a.txt", "Cookie", "user=1")
	second := r.open(t, "/a.txt", "Cookie", "user=2")
	third := r.open(t, "/a.txt", "Cookie", "user=1")
	g.open()
	for response, want := range map[*http.Response]string{first: "1", second: "2", third: "1"} {
		body, err := io.ReadAll(response.Body)
		if string(body) != strings.Repeat(want, 100) || err != nil {
			t.Errorf("user %s got %q (%v)", want, body, err)
		}
		equal(t, "Cache-Status", response.Header.Get("Cache-Status"), streamed("r"))
	}
	o.wantTotal(t, 3)
	r.wantBucket(t)
}

// fakeS3 is a bucket that answers every object with its key, and lists itself when it is asked for no object.
func fakeS3(t *testing.T) *origin {
	return startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKEY/") {
			page{status: 403, body: "<Error><Code>AccessDenied</Code></Error>"}.ServeHTTP(w, r)
			return
		}
		if strings.Trim(r.URL.Path, "/") == "private" {
			page{body: "<ListBucketResult>everything</ListBucketResult>"}.ServeHTTP(w, r)
			return
		}
		page{body: r.URL.Path, header: []string{"Content-Type", "text/plain", "x-amz-meta-color", "red",
			"x-amz-request-id", "1", "x-amz-meta-mg-etag", "forged"}}.ServeHTTP(w, r)
	})
}

const privateBucket = `{s3: {endpoint: "${ORIGIN}", name: private, region: us-east-1, access_key: AKEY,
    secret_key: SECRETKEY, lookup: path}}`

// TestSignedOrigin: the gateway's signature never stands under what a client wants of a private bucket besides the
// object.
func TestSignedOrigin(t *testing.T) {
	t.Parallel()
	s3 := fakeS3(t)
	r := serveRules(t, s3,
		`{id: none, match: {prefix: none/}, origin: {primary: `+privateBucket+`}}`,
		`{id: same, match: {prefix: same/}, forward: {query: same}, origin: {primary: `+privateBucket+`}}`,
		`{id: key, match: {prefix: key/}, forward: {query: key}, origin: {primary: `+privateBucket+`}}`,
		`{id: proxied, mode: proxy, match: {prefix: p/}, forward: {query: same, headers: {pass: all}},
    origin: {primary: `+privateBucket+`}}`)
	n := 0
	// query is what the client sends, sent what the bucket gets.
	f := func(query, sent string) {
		t.Helper()
		for _, rule := range []string{"none", "same", "key", "p"} {
			n++
			path := fmt.Sprintf("/%s/%d.txt", rule, n)
			a := r.get(t, path+query)
			equal(t, path+query+": status", a.Status, 200)
			equal(t, path+query+": body", string(a.Body), "/private"+path)
			equal(t, "x-amz-meta-color", a.Header.Get("x-amz-meta-color"), "red")
			for name := range a.Header {
				if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") {
					t.Errorf("a client sees %s", name)
				}
			}
			want := "/private" + path + sent
			if rule == "none" {
				want = "/private" + path
			}
			equal(t, path+query+": asked", s3.last(t).target, want)
		}
	}
	f("?acl", "")
	f("?ACL=", "")
	f("?%61cl", "")
	f("?response-content-type=text/html", "")
	f("?response%2Dcontent-disposition=x&w=2", "?w=2")
	f("?w=2&tagging&h=%20", "?w=2&h=%20")
	for _, name := range []string{
		"uploads", "uploadId=1", "partNumber=1", "versionId=x", "versions", "list-type=2", "torrent", "retention",
		"legal-hold", "attributes", "restore",
		"select", "location", "policy", "X-Amz-Signature=1", "x-amz-security-token=1", "response-expires=1",
	} {
		f("?"+name, "")
	}
	f("?w=1;acl", "")
	for _, target := range []string{"/none/0.txt", "/p/0.txt"} {
		_ = r.get(t, target, "x-amz-acl", "public-read", "x-amz-server-side-encryption-customer-key", "x",
			"Authorization", "AWS4-HMAC-SHA256 evil")
		last := s3.last(t)
		for name := range last.header {
			if strings.HasPrefix(name, "X-Amz-") && name != "X-Amz-Date" && name != "X-Amz-Content-Sha256" {
				t.Errorf("the bucket got %s", name)
			}
		}
		if len(last.header["Authorization"]) != 1 || strings.Contains(last.header.Get("Authorization"), "evil") {
			t.Errorf("Authorization is %q", last.header["Authorization"])
		}
	}
}

// TestEmptySignedKey: a key that becomes empty would list the bucket.
func TestEmptySignedKey(t *testing.T) {
	t.Parallel()
	s3 := fakeS3(t)
	r := serveRules(t, s3,
		`{id: crop, match: {prefix: crop/}, rewrite: {crop: true}, origin: {primary: `+privateBucket+`}}`,
		`{id: proxied, mode: proxy, match: {prefix: p/}, rewrite: {crop: true}, origin: {primary: `+privateBucket+`}}`,
		`{id: all, origin: {primary: `+privateBucket+`}}`)
	for _, target := range []string{"/crop/", "/crop//", "/p/", "/p//", "/", "//", "/crop/?list-type=2"} {
		failure{status: 404, code: "NoSuchKey"}.want(t, "GET", r.get(t, target))
		failure{status: 404}.want(t, "HEAD", r.head(t, target))
	}
	s3.wantTotal(t, 0)
	// Dots are ordinary in a bucket.
	wantObject(t, r.get(t, "/crop/a/%2e%2e/b"), "/private/a/../b", saved("crop"))
	equal(t, "asked", s3.last(t).target, "/private/a/../b")
}

// TestPlainConnections: what clients do on a connection.
func TestPlainConnections(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	r.put(t, "here.txt", "here")

	t.Run("header of 17 KiB", func(t *testing.T) {
		w := r.dial(t)
		w.send(t, request("GET", "/here.txt", "Connection", "keep-alive", "X-Long", strings.Repeat("x", 17<<10)))
		failure{status: 431, code: "RequestHeaderSectionTooLarge"}.want(t, "GET", w.answer(t, "GET"))
	})
	t.Run("request line of 17 KiB", func(t *testing.T) {
		w := r.dial(t)
		w.send(t, request("GET", "/"+strings.Repeat("x", 17<<10), "Connection", "keep-alive"))
		failure{status: 431, code: "RequestHeaderSectionTooLarge"}.want(t, "GET", w.answer(t, "GET"))
	})
	t.Run("header of 15 KiB", func(t *testing.T) {
		wantObject(t, r.get(t, "/here.txt", "X-Long", strings.Repeat("x", 15<<10)), "here", hitBucket)
	})
	t.Run("keep-alive and pipelining", func(t *testing.T) {
		w := r.dial(t)
		more := []string{"Connection", "keep-alive"}
		w.send(t, request("GET", "/here.txt", more...)+request("HEAD", "/here.txt", more...)+
			request("GET", "/new.txt", more...)+request("GET", "/%zz", more...)+
			request("POST", "/here.txt", more...)+request("GET", "/here.txt"))
		wantObject(t, w.answer(t, "GET"), "here", hitBucket)
		equal(t, "HEAD", w.answer(t, "HEAD").Status, 200)
		wantObject(t, w.answer(t, "GET"), "/new.txt", saved("r"))
		equal(t, "bad key", w.answer(t, "GET").Status, 400)
		equal(t, "method", w.answer(t, "POST").Status, 405)
		wantObject(t, w.answer(t, "GET"), "here", hitBucket)
		w.ends(t)
	})
	t.Run("methods", func(t *testing.T) {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "X"} {
			a := r.do(t, method, "/here.txt")
			failure{status: 405, code: "MethodNotAllowed"}.want(t, method, a)
			equal(t, "Allow", a.Header.Get("Allow"), "GET, HEAD")
		}
	})
	t.Run("duplicate Host", func(t *testing.T) {
		w := r.dial(t)
		w.send(t, "GET /here.txt HTTP/1.1\r\nHost: other.test\r\nHost: site.test\r\nConnection: close\r\n\r\n")
		equal(t, "status", w.answer(t, "GET").Status, 400)
	})
	t.Run("no Host", func(t *testing.T) {
		w := r.dial(t)
		w.send(t, "GET /here.txt HTTP/1.1\r\nConnection: close\r\n\r\n")
		equal(t, "status", w.answer(t, "GET").Status, 400)
	})
	t.Run("nonsense", func(t *testing.T) {
		for _, text := range []string{"\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET\r\n\r\n", "GET /here.txt\r\n\r\n",
			"GET /here.txt HTTP/1.1\r\nHost site.test\r\n\r\n"} {
			w := r.dial(t)
			w.send(t, text)
			a := w.answer(t, "GET")
			equal(t, fmt.Sprintf("status of %q", text), a.Status, 400)
			w.ends(t)
		}
	})
	if !r.Running() {
		t.Error("the gateway has ended")
	}
}

// TestBodyOnGet: a body that nobody asked for is never taken for the next request.
func TestBodyOnGet(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	r.put(t, "here.txt", "here")
	smuggled := request("GET", "/smuggled.txt")
	f := func(name, method, head, body string, status int) {
		t.Run(name, func(t *testing.T) {
			w := r.dial(t)
			w.send(t, method+" /here.txt HTTP/1.1\r\nHost: site.test\r\n"+head+"\r\n"+body+request("GET", "/smuggled.txt"))
			equal(t, "status", w.answer(t, method).Status, status)
			w.ends(t)
		})
	}
	f("with a length", "GET", fmt.Sprintf("Content-Length: %d\r\n", len(smuggled)), smuggled, 200)
	f("HEAD", "HEAD", fmt.Sprintf("Content-Length: %d\r\n", len(smuggled)), smuggled, 200)
	f("chunked", "GET", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 200)
	f("POST", "POST", "Content-Length: 5\r\n", "hello", 405)
	f("empty and chunked", "GET", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 200)
	f("chunked and a length", "GET", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", 200)
	f("a length and chunked", "GET", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n", 200)
	f("chunked twice", "GET", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", 400)
	f("unknown coding", "GET", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", 400)
	f("a space in the name", "GET", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n", 400)
	f("a broken chunk", "GET", "Transfer-Encoding: chunked\r\n", "zz\r\n", 200)
	f("two lengths", "GET", "Content-Length: 0\r\nContent-Length: 5\r\n", "hello", 400)
	f("a length that is none", "GET", "Content-Length: +5\r\n", "hello", 400)
	f("Expect", "GET", "Expect: 100-continue\r\nContent-Length: 5\r\n", "hello", 417)

	large := func(name, head, body string) {
		t.Run(name, func(t *testing.T) {
			w := r.dial(t)
			w.send(t, "GET /here.txt HTTP/1.1\r\nHost: site.test\r\n"+head+"\r\n"+body)
			wantObject(t, w.answer(t, "GET"), "here", hitBucket)
			w.ends(t)
		})
	}
	large("large", fmt.Sprintf("Content-Length: %d\r\n", 8<<20), "")
	large("large and chunked", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s", 70<<10,
		strings.Repeat("x", 64<<10+1)))
	if o.count("/smuggled.txt") > 0 {
		t.Error("a body became a request")
	}
}

// TestHTTP10: a client that knows no chunks gets a body of unknown length up to the end of the connection.
func TestHTTP10(t *testing.T) {
	t.Parallel()
	g := newGate()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut.txt":
			_, _ = io.WriteString(w, "half of ")
			_ = http.NewResponseController(w).Flush()
			g.pass(r)
			panic(http.ErrAbortHandler)
		case "/chunked.txt":
			page{chunked: true, body: "the whole body"}.ServeHTTP(w, r)
		default:
			page{body: "the whole body"}.ServeHTTP(w, r)
		}
	})
	r := serveRules(t, o, mirrorRule)
	get := func(target, header string) (*http.Response, *wire) {
		w := r.dial(t)
		w.send(t, "GET "+target+" HTTP/1.0\r\nHost: site.test\r\n"+header+"\r\n")
		return w.receive(t, "GET"), w
	}
	for _, target := range []string{"/chunked.txt", "/plain.txt", "/chunked.txt", "/plain.txt"} {
		response, w := get(target, "")
		if len(response.TransferEncoding) > 0 || response.Header.Get("Transfer-Encoding") != "" {
			t.Errorf("%s: chunks for an HTTP/1.0 client", target)
		}
		body, err := io.ReadAll(response.Body)
		equal(t, target, string(body), "the whole body")
		if err != nil {
			t.Error(err)
		}
		w.ends(t)
	}
	response, _ := get("/cut.txt", "Connection: keep-alive\r\n")
	g.open()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("a body that was cut off ends cleanly: %q", body)
	}
	r.wantBucket(t, "chunked.txt", "plain.txt")
}

// TestUglyHeadersOfOrigin: what an origin sends is checked and bounded, too.
func TestUglyHeadersOfOrigin(t *testing.T) {
	t.Parallel()
	heads := map[string]string{
		"control": "Content-Type: text/plain\x01\r\n",
		"cr":      "Content-Disposition: inline\rSet-Cookie: evil=1\r\n",
		"name":    "Bad Name: 1\r\n",
		"huge":    "X-Huge: " + strings.Repeat("x", 2<<20) + "\r\n",
		"many":    strings.Repeat("X-Many: y\r\n", 200000),
		"lengths": "Content-Length: 6\r\n",
	}
	o := startRawOrigin(t, func(conn net.Conn, r *http.Request) {
		head := heads[strings.Split(r.URL.Path, "/")[1]]
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head+"Content-Length: 5\r\n\r\nhello")
	})
	r := serveRules(t, o, ruleEach(slices.Sorted(maps.Keys(heads)), `origin: {primary: "${ORIGIN}"}`)...)
	for name := range heads {
		t.Run(name, func(t *testing.T) {
			a := r.get(t, "/"+name+"/a.txt")
			failure{status: 502, code: "MirrorFailed"}.want(t, "GET", a)
			equal(t, "Set-Cookie", a.Header.Get("Set-Cookie"), "")
		})
	}
	r.wantBucket(t)
}
