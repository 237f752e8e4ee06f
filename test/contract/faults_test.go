package contract_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// soon is how long an answer may take beyond the limit that brings it about.
const soon = 5 * time.Second

var (
	mirrorFailed  = failure{status: 502, code: "MirrorFailed", rule: "r"}
	mirrorTimeout = failure{status: 504, code: "MirrorTimeout", rule: "r"}
	allAbsent     = failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5", rule: "r"}
)

// fullAddr is an address at which connections are neither accepted nor refused.
func fullAddr(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	for range 3 { // the queue takes one or two
		if conn, err := net.DialTimeout("tcp", addr, 200*time.Millisecond); err == nil {
			t.Cleanup(func() { conn.Close() })
		}
	}
	return addr
}

// TestNoAnswer: nothing that an origin does before its answer begins makes a client wait longer than configured.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	silent := startRawOrigin(t, func(conn net.Conn, _ *http.Request) { untilGone(conn) })
	halfHeader := startRawOrigin(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-")
		untilGone(conn)
	})
	dripping := startRawOrigin(t, func(conn net.Conn, _ *http.Request) { drip(conn, "HTTP/1.1 200 OK\r\nX-Drip: ", "x") })
	hints := startRawOrigin(t, func(conn net.Conn, _ *http.Request) { drip(conn, "", "HTTP/1.1 103 Early Hints\r\n\r\n") })
	cases := []struct {
		name, target, limits string
		want                 failure
	}{
		{"nobody listens", harness.FreeAddr(t), "connect: 300ms", mirrorFailed},
		{"no such host", "no-such-host.invalid", "connect: 3s", mirrorFailed},
		{"nobody accepts", fullAddr(t), "connect: 300ms", mirrorTimeout},
		{"no header", silent.addr, "first_byte: 300ms", mirrorTimeout},
		{"half a header", halfHeader.addr, "first_byte: 300ms", mirrorTimeout},
		{"an endless header", dripping.addr, "first_byte: 300ms", mirrorTimeout},
		{"endless hints", hints.addr, "first_byte: 300ms", mirrorTimeout},
		{"the whole budget", silent.addr, "answer: 300ms, first_byte: 10s", mirrorTimeout},
	}
	var rules []string
	for n, c := range cases {
		rules = append(rules, fmt.Sprintf(`{id: r-%d, match: {prefix: %d/}, origin: {primary: "http://%s",
    timeouts: {%s}}}`, n, n, c.target, c.limits))
	}
	r := serve(t, site("", rules...))
	t.Run("each", func(t *testing.T) {
		for n, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				target := fmt.Sprintf("/%d/a.txt", n)
				within(t, 300*time.Millisecond+soon, func() { c.want.want(t, "GET", r.get(t, target), c.target) })
				within(t, 300*time.Millisecond+soon, func() { c.want.want(t, "HEAD", r.head(t, target)) })
			})
		}
	})
	r.wantBucket(t)
}

// drip says first, and then more again and again until nobody listens.
func drip(conn net.Conn, first, more string) {
	_, err := io.WriteString(conn, first)
	for ticker := time.NewTicker(20 * time.Millisecond); err == nil; <-ticker.C {
		_, err = io.WriteString(conn, more)
	}
}

// TestBudget: one budget covers redirects and targets together.
func TestBudget(t *testing.T) {
	t.Parallel()
	slow := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(250 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	r := serve(t, site("", `{id: r, origin: {primary: "${ORIGIN}", backup: "${ORIGIN}", timeouts: {answer: 700ms}}}`),
		"ORIGIN="+slow.url)
	within(t, 700*time.Millisecond+soon, func() { mirrorTimeout.want(t, "GET", r.get(t, "/a")) })
	if n := len(slow.requests()); n > 4 {
		t.Errorf("the origin was asked %d times within 700 ms", n)
	}
}

// TestNonsense: what is no answer, or not the one that was asked for.
func TestNonsense(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"nothing":    "",
		"words":      "hello\r\n\r\n",
		"status":     "HTTP/1.1 abc OK\r\n\r\n",
		"status20":   "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
		"negative":   "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"lengths":    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"coding":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nhello",
		"tls":        "\x15\x03\x01\x00\x02\x02\x46",
		"partial":    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\nhello",
		"unmodified": "HTTP/1.1 304 Not Modified\r\n\r\n",
		"range":      "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n",
		"empty":      "HTTP/1.1 204 No Content\r\n\r\n",
		"switch":     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"created":    "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
		"reset":      "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
		"choices":    "HTTP/1.1 300 Multiple Choices\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
		"noplace":    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
		"badplace":   "HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
		"ftp":        "HTTP/1.1 302 Found\r\nLocation: ftp://example.com/a\r\nContent-Length: 0\r\n\r\n",
		"file":       "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
		"teapot":     "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n",
		"nine":       "HTTP/1.1 999 Nine\r\nContent-Length: 0\r\n\r\n",
	}
	o := startRawOrigin(t, func(conn net.Conn, r *http.Request) {
		_, _ = io.WriteString(conn, texts[strings.Split(r.URL.Path, "/")[1]])
	})
	r := serveRules(t, o, ruleEach(slices.Sorted(maps.Keys(texts)), `origin: {primary: "${ORIGIN}"}`)...)
	for name := range texts {
		t.Run(name, func(t *testing.T) {
			target := "/" + name + "/a.txt"
			within(t, soon, func() { mirrorFailed.want(t, "GET", r.get(t, target)) })
			within(t, soon, func() { mirrorFailed.want(t, "GET", r.get(t, target)) })
			if n := o.count(target); n < 2 {
				t.Errorf("the origin was asked %d times: a failure was remembered", n)
			}
		})
	}
	r.wantBucket(t)
}

// TestCutBodies: a body that ends too early is never shown as whole, nor kept.
func TestCutBodies(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789", 20_000)
	half := body[:len(body)/2]
	plain := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(half), half)
	texts := map[string]string{
		"short":        plain + half,
		"one-short":    plain + body[1:],
		"no-byte":      plain,
		"in-chunk":     chunked + fmt.Sprintf("%x\r\n%s", len(body), half),
		"chunk-edge":   chunked + chunk,
		"no-chunk":     chunked,
		"chunk-size":   chunked + chunk + "zz\r\n",
		"no-last-crlf": chunked + chunk + "0\r\n",
		"half-last":    chunked + chunk + "0",
		"huge-chunk":   chunked + chunk + "ffffffffffffffffff\r\nx",
	}
	o := startRawOrigin(t, func(conn net.Conn, r *http.Request) {
		_, _ = io.WriteString(conn, texts[strings.Split(r.URL.Path, "/")[1]])
	})
	f := func(mode string) {
		r := serveRules(t, o, ruleEach(slices.Sorted(maps.Keys(texts)), `mode: `+mode+`, origin: {primary: "${ORIGIN}"}`)...)
		for name := range texts {
			for _, target := range []string{"/" + name + "/a.bin", "/" + name + "/a.bin", "/" + name + "/b.bin"} {
				t.Run(mode+target, func(t *testing.T) {
					var a harness.Answer
					asked := o.count(target)
					within(t, soon, func() { a = r.get(t, target) })
					wantCut(t, a, len(body))
					if o.count(target) == asked {
						t.Error("the origin was not asked")
					}
				})
			}
		}
		r.wantBucket(t)
	}
	f("mirror")
	f("proxy")
}

// wantCut fails the test unless the answer is an error, or a body that breaks off before its end.
func wantCut(t *testing.T, a harness.Answer, whole int) {
	t.Helper()
	if a.Status != http.StatusOK {
		mirrorFailed.want(t, "GET", a)
		return
	}
	if a.Err == nil {
		t.Errorf("a cut body ends cleanly after %d bytes", len(a.Body))
	}
	if len(a.Body) >= whole {
		t.Errorf("%d bytes came", len(a.Body))
	}
}

// TestLongBody: what comes behind the announced end is not part of the object.
func TestLongBody(t *testing.T) {
	t.Parallel()
	o := startRawOrigin(t, say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"))
	r := serveRules(t, o, mirrorRule)
	wantObject(t, r.get(t, "/a.txt"), "hello", saved("r"))
	r.waitSaved(t, "a.txt", "hello")
	r.wantBucket(t, "a.txt")
}

// TestStall: a body that stops is cut off within the limit, for the client too.
func TestStall(t *testing.T) {
	t.Parallel()
	o := startRawOrigin(t, func(conn net.Conn, r *http.Request) {
		length := "Content-Length: 100\r\n\r\n0123456789"
		if r.URL.Path == "/chunked" {
			length = "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n"
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+length)
		untilGone(conn)
	})
	const limits = `, timeouts: {stall: 400ms}}`
	r := serveRules(t, o, `{id: r, mode: proxy, match: {prefix: p/}, origin: {primary: "${ORIGIN}"`+limits+`}`,
		`{id: m, origin: {primary: "${ORIGIN}"`+limits+`}`)
	for _, target := range []string{"/plain", "/chunked", "/p/plain"} {
		within(t, 400*time.Millisecond+soon, func() {
			a := r.get(t, target)
			equal(t, target+": status", a.Status, 200)
			if a.Err == nil || len(a.Body) > 10 {
				t.Errorf("%s: a body that stalled ends after %d bytes with %v", target, len(a.Body), a.Err)
			}
		})
	}
	r.wantBucket(t)
}

// TestRedirects are those of the origin.
func TestRedirects(t *testing.T) {
	t.Parallel()
	other := startOrigin(t, echo)
	to := map[string]string{
		"loop": "/loop/a", "ping": "/ping/a?",
		"metadata": "http://169.254.169.254/latest/meta-data/", "mapped": "http://[::ffff:169.254.169.254]/",
		"nat64": "http://[64:ff9b::a9fe:a9fe]/",
		"zero":  "http://0.0.0.0/", "decimal": "http://2852039166/", "alibaba": "http://100.100.100.200/",
		"link": "http://[fe80::1]/", "azure": "http://168.63.129.16/",
		"private": "http://10.0.0.1/", "private6": "http://[::ffff:10.0.0.1]/", "6to4": "http://[2002:0a00:0001::1]/",
		"multicast": "http://224.0.0.1/",
		"name":      strings.Replace(other.url, "127.0.0.1", "localhost", 1) + "/end",
	}
	good := map[string]string{"/good/a": "/end", "/slash/a": "/slash/a/", "/served/a": "http://site.test/elsewhere",
		"/dots/a": "../end"}
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		location, ok := to[strings.Split(r.URL.Path, "/")[1]]
		if !ok {
			location, ok = good[r.URL.Path]
		}
		if strings.HasPrefix(r.RequestURI, "//") {
			location, ok = "http://"+r.Host+r.RequestURI+"/", true
		}
		if ok {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
			return
		}
		echo(w, r)
	})
	r := serveRules(t, o, append(ruleEach(slices.Sorted(maps.Keys(to)), `origin: {primary: "${ORIGIN}"}`), mirrorRule)...)
	for name := range to {
		t.Run(name, func(t *testing.T) {
			target := "/" + name + "/a"
			within(t, soon, func() { mirrorFailed.want(t, "GET", r.get(t, target), "169.254", "10.0.0.1", "::") })
			if n := o.count(target); n > 11 {
				t.Errorf("asked %d times", n)
			}
		})
	}
	other.wantTotal(t, 0)
	wantObject(t, r.get(t, "/good/a"), "/end", saved("r"))
	wantObject(t, r.get(t, "/dots/a"), "/end", saved("r"))

	a := r.get(t, "/slash/a?q=1")
	equal(t, "status", a.Status, 302)
	equal(t, "Location", a.Header.Get("Location"), "/slash/a/?q=1")
	// A path that begins with two slashes would be another host in a Location.
	a = r.get(t, "//evil.test/a")
	equal(t, "status", a.Status, 302)
	equal(t, "Location", a.Header.Get("Location"), "/%2Fevil.test/a/")
	a = r.get(t, "/served/a")
	equal(t, "status", a.Status, 302)
	equal(t, "Location", a.Header.Get("Location"), "http://site.test/elsewhere")
	equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
	r.wantBucket(t, "dots/a", "good/a")
}

// TestPrivateRedirects: allowed, they are followed, but the secrets stay behind.
func TestPrivateRedirects(t *testing.T) {
	t.Parallel()
	other := startOrigin(t, echo)
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other.url, "127.0.0.1", "localhost", 1)+"/end", http.StatusFound)
	})
	r := serveRules(t, o, `{id: r, forward: {headers: {pass: [Cookie, X-Kept], set: {Authorization: "Basic c2VjcmV0",
    X-Key: secret}}},
    origin: {primary: "${ORIGIN}", allow_private_redirects: true}}`)
	wantObject(t, r.get(t, "/a.txt", "X-Kept", "1"), "/end", saved("r"))
	equal(t, "Authorization", o.last(t).header.Get("Authorization"), "Basic c2VjcmV0")
	_ = r.get(t, "/b.txt", "Cookie", "a=b", "X-Kept", "1")
	for _, asked := range other.requests() {
		for _, name := range []string{"Authorization", "X-Key", "Cookie"} {
			if len(asked.header[name]) > 0 {
				t.Errorf("%s went to another place", name)
			}
		}
		equal(t, "X-Kept", asked.header.Get("X-Kept"), "1")
	}
	equal(t, "requests", len(other.requests()), 2)
}

// TestRedirectHops: follow_redirects is the number of hops.
func TestRedirectHops(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) < len("/xxx") {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
			return
		}
		echo(w, r)
	})
	f := func(hops string) harness.Answer {
		r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}", follow_redirects: `+hops+`}}`)
		return r.get(t, "/x")
	}
	wantObject(t, f("2"), "/xxx", saved("r"))
	mirrorFailed.want(t, "GET", f("1"))
	a := f("0")
	equal(t, "status", a.Status, 302)
	equal(t, "Location", a.Header.Get("Location"), "/xx")
}

// TestFailover: the answers of primary and backup, and what becomes of them.
func TestFailover(t *testing.T) {
	t.Parallel()
	answers := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var primary, backup int
			_, _ = fmt.Sscanf(r.URL.Path, "/%d-%d/", &primary, &backup)
			status := map[string]int{"primary": primary, "backup": backup}[name]
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			page{status: status, body: name}.ServeHTTP(w, r)
		}
	}
	primary, backup := startOrigin(t, answers("primary")), startOrigin(t, answers("backup"))
	env := []string{"PRIMARY=" + primary.url, "BACKUP=" + backup.url}
	fromBackup := `mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=backup; rule="r-`
	denied := failure{status: 403, code: "AccessDenied", cacheControl: "max-age=5", rule: "r"}
	refused := failure{status: 451, code: "AccessDenied", cacheControl: "max-age=5", rule: "r"}
	// Each folder names the statuses of primary and backup; 0 is none at all. asked is how often two requests make the
	// gateway ask the backup.
	type failoverCase struct {
		folder string
		want   any // "backup", or a failure
		asked  int // -1: any number
	}
	f := func(failoverOn string, cases ...failoverCase) {
		var folders, kept []string
		for _, c := range cases {
			folders = append(folders, c.folder)
		}
		r := serve(t, site("", ruleEach(folders, `origin: {`+failoverOn+`primary: "${PRIMARY}", backup: "${BACKUP}"}`)...),
			env...)
		for _, c := range cases {
			t.Run(failoverOn+c.folder, func(t *testing.T) {
				target, before := "/"+c.folder+"/a", backup.count("/"+c.folder+"/a")
				for range 2 {
					a := r.get(t, target)
					if want, ok := c.want.(failure); ok {
						want.want(t, "GET", a, primary.addr, backup.addr)
					} else if cacheStatus := a.Header.Get("Cache-Status"); !strings.Contains(cacheStatus, "; hit;") {
						wantObject(t, a, "backup", cacheStatus)
						if !strings.HasPrefix(cacheStatus, fromBackup) {
							t.Errorf("Cache-Status is %q", cacheStatus)
						}
						kept = append(kept, target[1:])
					}
				}
				if c.asked >= 0 {
					equal(t, "requests to the backup", backup.count(target)-before, c.asked)
				}
			})
		}
		r.wantBucket(t, kept...)
	}
	f("", []failoverCase{
		{"404-200", "backup", 1}, {"410-200", "backup", 1}, {"500-200", "backup", 1}, {"503-200", "backup", 1},
		{"0-200", "backup", 1},
		{"404-404", allAbsent, 1}, {"404-410", allAbsent, 1}, {"410-404", allAbsent, 1}, {"404-403", denied, 1},
		{"404-500", mirrorFailed, 2}, {"500-404", mirrorFailed, 2}, {"500-500", mirrorFailed, 2},
		{"500-403", mirrorFailed, 2}, {"0-0", mirrorFailed, -1},
		{"403-200", denied, 0}, {"451-200", refused, 0}, {"400-200", mirrorFailed, 0}, {"429-200", mirrorFailed, 0},
	}...)
	f("failover_on: [connect], ", failoverCase{"404-200", allAbsent, 0}, failoverCase{"500-200", mirrorFailed, 0})
	f("failover_on: [4xx], ", failoverCase{"429-200", "backup", 1}, failoverCase{"403-200", "backup", 1},
		failoverCase{"500-200", mirrorFailed, 0})
	f("failover_on: [429], ", failoverCase{"429-200", "backup", 1}, failoverCase{"400-200", mirrorFailed, 0},
		failoverCase{"404-200", allAbsent, 0})
	f("failover_on: [], ", failoverCase{"0-200", mirrorFailed, 0}, failoverCase{"404-200", allAbsent, 0})
}

// TestFailoverWhenDead: a primary that is gone, or too slow, costs its limit and no more.
func TestFailoverWhenDead(t *testing.T) {
	t.Parallel()
	backup := startOrigin(t, pages(map[string]page{"/a.txt": {body: "backup"}}))
	silent := startRawOrigin(t, func(conn net.Conn, _ *http.Request) { untilGone(conn) })
	addrs := map[string]string{"dead": harness.FreeAddr(t), "full": fullAddr(t), "silent": silent.addr}
	var rules []string
	for name, addr := range addrs {
		rules = append(rules, fmt.Sprintf(`{id: r-%s, match: {prefix: %s/}, rewrite: {crop: true},
    origin: {primary: "http://%s", backup: "%s", timeouts: {connect: 300ms,
    first_byte: 300ms}}}`, name, name, addr, backup.url))
	}
	r := serve(t, site("", rules...))
	t.Run("each", func(t *testing.T) {
		for name := range addrs {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				within(t, 300*time.Millisecond+soon, func() {
					wantObject(t, r.get(t, "/"+name+"/a.txt"), "backup",
						`mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=backup; rule="r-`+name+`"`)
				})
				// The backup says 404, but who knows what the primary has: nothing is remembered.
				for range 2 {
					a := r.get(t, "/"+name+"/missing.txt")
					if a.Status != 502 && a.Status != 504 {
						t.Errorf("status is %d", a.Status)
					}
					equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "no-store")
				}
			})
		}
	})
	equal(t, "requests to the backup for what it lacks", backup.count("/missing.txt"), 6)
	r.wantBucket(t, "dead/a.txt", "full/a.txt", "silent/a.txt")
}

// TestNegativeTTL: a 404 is remembered so long, and a failure not at all.
func TestNegativeTTL(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, http.NotFound)
	r := serve(t, site("negative_ttl: 1s", mirrorRule), "ORIGIN="+o.url)
	want := allAbsent
	want.cacheControl = "max-age=1"
	want.want(t, "GET", r.get(t, "/a.txt"))
	want.want(t, "GET", r.get(t, "/a.txt"))
	o.wantTotal(t, 1)
	harness.Eventually(t, patience, func() error {
		if want.want(t, "GET", r.get(t, "/a.txt")); len(o.requests()) < 2 {
			return fmt.Errorf("still remembered")
		}
		return nil
	})
	// An application that stores the object is seen at once.
	r.put(t, "a.txt", "here now")
	wantObject(t, r.get(t, "/a.txt"), "here now", hitBucket)
}

// TestDigests: what the origin says of its bytes is compared with them before anybody may rely on them.
func TestDigests(t *testing.T) {
	t.Parallel()
	const (
		body      = "the body"
		otherMD5  = "1B2M2Y8AsgTpgAmY7PhCfg=="
		otherSHA  = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
		malformed = "nonsense"
	)
	sum := md5.Sum([]byte(body))
	rightMD5 := base64.StdEncoding.EncodeToString(sum[:])
	sha := sha256.Sum256([]byte(body))
	rightSHA := base64.StdEncoding.EncodeToString(sha[:])
	cases := map[string]struct {
		header []string
		right  bool
	}{
		"md5":        {[]string{"Content-MD5", rightMD5}, true},
		"md5-wrong":  {[]string{"Content-MD5", otherMD5}, false},
		"md5-none":   {[]string{"Content-MD5", malformed}, true},
		"repr":       {[]string{"Repr-Digest", "sha-256=:" + rightSHA + ":"}, true},
		"repr-wrong": {[]string{"Repr-Digest", "sha-512=:AAAA:, sha-256=:" + otherSHA + ":"}, false},
		"digest":     {[]string{"Digest", "SHA-256=" + rightSHA}, true},
		"dig-wrong":  {[]string{"Digest", "SHA-256=" + otherSHA}, false},
		"goog":       {[]string{"x-goog-hash", "md5=" + rightMD5}, true},
		"goog-wrong": {[]string{"x-goog-hash", "crc32c=AAAAAA==,md5=" + otherMD5}, false},
		"amz-wrong":  {[]string{"x-amz-checksum-sha256", otherSHA, "x-amz-checksum-type", "FULL_OBJECT"}, false},
		"amz-parts":  {[]string{"x-amz-checksum-sha256", otherSHA, "x-amz-checksum-type", "COMPOSITE"}, true},
		"etag":       {[]string{"ETag", `"d41d8cd98f00b204e9800998ecf8427e"`}, true}, // not of a bucket of ours
	}
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		c := cases[strings.Split(r.URL.Path, "/")[1]]
		page{header: c.header, body: body, chunked: strings.HasSuffix(r.URL.Path, "chunked")}.ServeHTTP(w, r)
	})
	r := serveRules(t, o, ruleEach(slices.Sorted(maps.Keys(cases)), `origin: {primary: "${ORIGIN}"}`)...)
	var kept []string
	for name, c := range cases {
		for _, key := range []string{name + "/plain", name + "/chunked"} {
			t.Run(key, func(t *testing.T) {
				a := r.get(t, "/"+key)
				if !c.right {
					wantCut(t, a, len(body))
					return
				}
				kept = append(kept, key)
				equal(t, "body", string(a.Body), body)
				if a.Err != nil {
					t.Error(a.Err)
				}
			})
		}
	}
	r.wantBucket(t, kept...)
}
