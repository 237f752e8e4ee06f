package origin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPathIsSentAsItIs(t *testing.T) {
	server := startRaw(t, func(c net.Conn, _ string) bool {
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		return err == nil
	})
	o := open(t, server.url(), nil)
	for _, path := range []string{
		"/", "//x", "/a//b/", "/a!$&'()*,;=:@~b", "/a+b%20c", "/%E9", "/100%25/x", "/a%2Fb", "/a%252Fb",
		"/a%5Bb%5D%5E%60%7B%7C%7D%22%3C%3Ec", "/%E5%9B%BE.png", "/a/./b/../c", "/*", "/a?", "/a?b=c&b=d;e+f%20g&&x", "/a?q='()*",
		"/a:b", "/:80/x", "/a%3Fb%23c",
	} {
		if got := content(t, fetched(t, o, get(o, path))); got != "ok" {
			t.Errorf("%s: body %q", path, got)
		}
		if got := server.line(t); got != "GET "+path+" HTTP/1.1" {
			t.Errorf("asked for %q, the wire has %q", path, got)
		}
	}
}

func TestHeaderIsSentAsItIs(t *testing.T) {
	server := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	o := open(t, server.url(), nil)
	r := get(o, "/")
	r.Header = http.Header{
		"User-Agent": {"mirrorgate/1"}, "Via": {"1.1 mirrorgate"}, http.CanonicalHeaderKey("cdn-loop"): {"other, mirrorgate-x"},
		"Accept-Encoding": {"identity"}, "Authorization": {"Basic eDp5"}, "Host": {"evil.example"},
	}
	fetched(t, o, r)
	want := "GET / HTTP/1.1\r\nHost: " + server.addr + "\r\nUser-Agent: mirrorgate/1\r\nAccept-Encoding: identity\r\n" +
		"Authorization: Basic eDp5\r\nCdn-Loop: other, mirrorgate-x\r\nVia: 1.1 mirrorgate\r\n"
	if got := server.head(t); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if r.Header.Get("Host") == "" || len(r.Header) != 6 {
		t.Error("the caller's header was changed")
	}
}

func TestHostHeader(t *testing.T) {
	server := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	o := open(t, server.url(), func(c *Config) { c.Primary.Host = "www.example.com:81" })
	fetched(t, o, get(o, "/"))
	if head := server.head(t); !strings.Contains(head, "\r\nHost: www.example.com:81\r\n") {
		t.Errorf("sent %q", head)
	}
}

func TestBodies(t *testing.T) {
	whole := func(name, answer string, proven bool, length int64) {
		t.Run(name, func(t *testing.T) {
			o := open(t, startSaying(t, answer).url(), nil)
			r := fetched(t, o, get(o, "/x"))
			if r.Proven != proven || r.Length != length || r.Status != 200 || r.Target != rolePrimary || r.Signed {
				t.Errorf("got %+v", r)
			}
			if got := content(t, r); got != "hello" {
				t.Errorf("body %q", got)
			}
		})
	}
	whole("fixed", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, 5)
	whole("one length twice", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", true, 5)
	whole("http/1.0 fixed", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, 5)
	whole("more than said", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world", true, 5)
	whole("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", true, -1)
	whole("trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n",
		true, -1)
	whole("chunked beside a length",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true, -1)
	whole("close-delimited", "HTTP/1.1 200 OK\r\n\r\nhello", false, -1)
	whole("http/1.0 close-delimited", "HTTP/1.0 200 OK\r\n\r\nhello", false, -1)
	whole("after 1xx", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"+
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, 5)
}

func TestCutBodies(t *testing.T) {
	f := func(name, answer, got string) {
		t.Run(name, func(t *testing.T) {
			o := open(t, startSaying(t, answer).url(), nil)
			r := fetched(t, o, get(o, "/x"))
			body, err := io.ReadAll(r.Body)
			if string(body) != got {
				t.Errorf("body %q, want %q", body, got)
			}
			e := failedAs(t, err, KindFailed)
			if e.Op != opBody || e.Target != rolePrimary || !e.Temporary || !errors.Is(err, io.ErrUnexpectedEOF) && name != "no final CRLF" {
				t.Errorf("failed with %+v", e)
			}
			if _, again := r.Body.Read(make([]byte, 1)); again != err {
				t.Errorf("a second read says %v", again)
			}
		})
	}
	f("fixed", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "hello")
	f("on a chunk edge", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello")
	f("inside a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", "hello")
	f("inside a chunk's length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1", "hello")
	f("no final CRLF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello")
}

func TestHead(t *testing.T) {
	server := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nEtag: \"x\"\r\n\r\n")
	o := open(t, server.url(), nil)
	r := get(o, "/x")
	r.Method = http.MethodHead
	response := fetched(t, o, r)
	if response.Length != 5 || response.Header.Get("Etag") != `"x"` || content(t, response) != "" {
		t.Errorf("got %+v", response)
	}
	if line := server.line(t); line != "HEAD /x HTTP/1.1" {
		t.Errorf("sent %q", line)
	}
}

func TestNonsense(t *testing.T) {
	f := func(name, answer string) {
		t.Run(name, func(t *testing.T) {
			o := open(t, startSaying(t, answer).url(), nil)
			refused(t, o, get(o, "/x"), KindFailed)
		})
	}
	f("nothing", "")
	f("no HTTP", "220 mail.example.com ESMTP\r\n")
	f("cut in the header", "HTTP/1.1 200 OK\r\nContent-Le")
	f("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")
	f("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")
	f("an odd coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
	f("a huge header", "HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("a", 2*maxHeaderBytes)+"\r\n\r\n")
	f("a part unasked", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhello")
	f("204", "HTTP/1.1 204 No Content\r\n\r\n")
	f("304 unasked", "HTTP/1.1 304 Not Modified\r\n\r\n")
	f("101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
	f("508", "HTTP/1.1 508 Loop Detected\r\nContent-Length: 0\r\n\r\n")
	f("control characters where they matter", "HTTP/1.1 200 OK\r\nCache-Control: no-store\x01\r\nContent-Length: 0\r\n\r\n")
}

func TestControlCharacters(t *testing.T) {
	for _, value := range []string{"a\x01b", "a\rSet-Cookie: x", "\x7f", "a\x00"} {
		answer := "HTTP/1.1 200 OK\r\nX-A: " + value + "\r\nContent-Length: 0\r\n\r\n"
		o := open(t, startSaying(t, answer).url(), nil)
		refused(t, o, get(o, "/"), KindFailed)
		if clean(http.Header{"X-A": {"fine", value}}) == nil {
			t.Errorf("%q is clean", value)
		}
	}
}

func TestConnectionHeadersEndHere(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: gr\xfcn\r\nConnection: X-Hop, Cache-Control\r\nX-Hop: 1\r\n" +
		"Keep-Alive: timeout=5\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n"
	o := open(t, startSaying(t, answer).url(), nil)
	h := fetched(t, o, get(o, "/")).Header
	for _, name := range []string{"X-Hop", "Connection", "Keep-Alive"} {
		if _, ok := h[name]; ok {
			t.Errorf("%s is there: %q", name, h[name])
		}
	}
	if h.Get("X-A") != "1" || h.Get("X-B") != "gr\xfcn" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("header %q", h)
	}
}

func TestProxyAnswers(t *testing.T) {
	f := func(name string, status string, header http.Header, want int) {
		t.Run(name, func(t *testing.T) {
			o := open(t, startSaying(t, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n").url(), nil)
			r := get(o, "/x")
			r.Proxy, r.Header = true, header
			if want == 0 {
				refused(t, o, r, KindFailed)
			} else if got := fetched(t, o, r); got.Status != want {
				t.Errorf("status %d", got.Status)
			}
		})
	}
	ranged, conditional := http.Header{"Range": {"bytes=0-0"}}, http.Header{"If-None-Match": {`"x"`}}
	f("a part", "206 Partial Content\r\nContent-Range: bytes 0-0/0", ranged, 206)
	f("parts", "206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x", ranged, 206)
	f("a part of what", "206 Partial Content", ranged, 0)
	f("a part unasked", "206 Partial Content\r\nContent-Range: bytes 0-0/0", conditional, 0)
	f("outside", "416 Range Not Satisfiable", ranged, 416)
	f("outside of nothing", "416 Range Not Satisfiable", conditional, 0)
	f("not modified", "304 Not Modified", conditional, 304)
	f("not modified since when", "304 Not Modified", ranged, 0)
	f("a condition that failed", "412 Precondition Failed", conditional, 412)
	f("no condition", "412 Precondition Failed", ranged, 0)
}

func TestStalls(t *testing.T) {
	quick := func(c *Config) {
		c.Timeouts = Timeouts{Answer: patience, Connect: patience, FirstByte: 50 * time.Millisecond, Stall: 50 * time.Millisecond}
	}
	t.Run("before the header", func(t *testing.T) {
		o := open(t, startHanging(t, "").url(), quick)
		if e := refused(t, o, get(o, "/"), KindTimeout); !strings.Contains(e.Error(), "timeouts.first_byte") {
			t.Errorf("failed with %v", e)
		}
	})
	t.Run("in the header", func(t *testing.T) {
		o := open(t, startHanging(t, "HTTP/1.1 200 OK\r\nX-A:").url(), quick)
		refused(t, o, get(o, "/"), KindTimeout)
	})
	t.Run("in the body", func(t *testing.T) {
		o := open(t, startHanging(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").url(), quick)
		body, err := io.ReadAll(fetched(t, o, get(o, "/")).Body)
		if e := failedAs(t, err, KindTimeout); string(body) != "hello" || !strings.Contains(e.Error(), "timeouts.stall") {
			t.Errorf("%q, failed with %v", body, e)
		}
	})
	t.Run("in an unwanted body", func(t *testing.T) {
		o := open(t, startHanging(t, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n").url(), quick)
		refused(t, o, get(o, "/"), KindNotFound)
	})
}

// The limit on stalls begins anew with each byte, and runs only while the origin is waited for.
func TestStallIsRolling(t *testing.T) {
	const stall = 200 * time.Millisecond
	server := startRaw(t, func(c net.Conn, _ string) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
		for range 5 {
			<-time.After(stall / 2)
			_, _ = io.WriteString(c, "x")
		}
		return false
	})
	// The budget of the answer does not count the body.
	o := open(t, server.url(), func(c *Config) { c.Timeouts.Stall, c.Timeouts.Answer = stall, stall })
	if got := content(t, fetched(t, o, get(o, "/"))); got != "xxxxx" {
		t.Errorf("body %q", got)
	}
	r := fetched(t, o, get(o, "/"))
	if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * stall) // the reader is slow, not the origin
	if got := content(t, r); got != "xxxx" {
		t.Errorf("the rest is %q", got)
	}
}

func TestCallerLeaves(t *testing.T) {
	server := startHanging(t, "")
	o := open(t, server.url(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-server.heads
		cancel()
	}()
	_, err := o.Fetch(ctx, get(o, "/"))
	if failedAs(t, err, KindFailed); !errors.Is(err, context.Canceled) {
		t.Errorf("failed with %v", err)
	}
}

func TestNothingLivesOn(t *testing.T) {
	serve := func(t *testing.T) *Origin {
		server := startHanging(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello")
		return open(t, server.url(), nil)
	}
	quiet(t, func(t *testing.T) {
		o := serve(t)
		r := fetched(t, o, get(o, "/"))
		failed := make(chan error)
		go func() {
			_, err := io.ReadAll(r.Body)
			failed <- err
		}()
		r.Body.Close()
		failedAs(t, <-failed, KindFailed)
		r.Body.Close()
	})
	quiet(t, func(t *testing.T) {
		o := serve(t)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := o.Fetch(ctx, get(o, "/"))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = io.ReadAll(r.Body)
		if failedAs(t, err, KindFailed); !errors.Is(err, context.Canceled) {
			t.Errorf("failed with %v", err)
		}
	})
	quiet(t, func(t *testing.T) {
		o := open(t, startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").url(), nil)
		content(t, fetched(t, o, get(o, "/")))
	})
	quiet(t, func(t *testing.T) {
		o := open(t, startHanging(t, "").url(), func(c *Config) { c.Timeouts.Answer = 20 * time.Millisecond })
		refused(t, o, get(o, "/"), KindTimeout)
	})
}

func TestConnectionIsUsedAgain(t *testing.T) {
	server := startRaw(t, func(c net.Conn, head string) bool {
		status := "200 OK"
		if strings.HasPrefix(head, "GET /missing") {
			status = "404 Not Found"
		}
		_, err := io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 5\r\n\r\nhello")
		return err == nil
	})
	o := open(t, server.url(), nil)
	content(t, fetched(t, o, get(o, "/")))
	refused(t, o, get(o, "/missing"), KindNotFound)
	content(t, fetched(t, o, get(o, "/")))
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.conns) != 1 {
		t.Errorf("%d connections", len(server.conns))
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	o := open(t, "http://127.0.0.1:1", nil)
	f := func(change func(*Request)) {
		t.Helper()
		r := get(o, "/")
		change(&r)
		refused(t, o, r, KindFailed)
	}
	f(func(r *Request) { r.Method = "POST" })
	f(func(r *Request) { r.Asks = nil })
	f(func(r *Request) { r.Asks[0].Role = roleBackup })
	f(func(r *Request) { r.Asks[0].URL = "http://127.0.0.1:1/%zz" })
}
