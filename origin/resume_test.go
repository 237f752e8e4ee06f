package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	digits = "0123456789"
	// begun are the first four of the digits, after which the connection is cut.
	begun = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n0123"
	// noBody is cut before the first of them.
	noBody = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n"
	// begunChunked says nothing about the length.
	begunChunked = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n"
)

// rest is a 206 with the digits from first on, or as many of them as until says.
func rest(first, until int) string {
	return fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes %d-9/10\r\nContent-Length: %d\r\n\r\n%s",
		first, 10-first, digits[first:until])
}

// startScript gives each request the next of the answers and cuts the connection.
func startScript(t *testing.T, answers ...string) *rawServer {
	var n atomic.Int64
	return startRaw(t, func(c net.Conn, _ string) bool {
		if i := int(n.Add(1)) - 1; i < len(answers) {
			_, _ = io.WriteString(c, answers[i])
		}
		return false
	})
}

// openHasty does not wait between attempts to resume.
func openHasty(t *testing.T, primary string, change func(*Config)) *Origin {
	o := open(t, primary, change)
	o.patient = time.Millisecond
	return o
}

func TestResume(t *testing.T) {
	f := func(name string, answers ...string) {
		t.Run(name, func(t *testing.T) {
			server := startScript(t, answers...)
			o := openHasty(t, server.url(), func(c *Config) { c.MaxConcurrent = 1 })
			r := get(o, "/a%2Fb?c")
			r.Header = http.Header{"Via": {"1.1 x"}, "Authorization": {"Basic eDp5"}, "Accept-Encoding": {"identity"}}
			if got := content(t, fetched(t, o, r)); got != digits {
				t.Errorf("body %q", got)
			}
			if n := len(server.heads); n != len(answers) {
				t.Errorf("%d requests, want %d", n, len(answers))
			}
			first := server.head(t)
			for range len(answers) - 1 {
				if got := withoutRange(server.head(t)); got != first {
					t.Errorf("first %q, then %q", first, got)
				}
			}
			// The place was given back, once.
			if !o.limits.places.TryAcquire(1) || o.limits.places.TryAcquire(1) {
				t.Error("the place under max_concurrent was lost or given back twice")
			}
		})
	}
	f("whole", "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n"+digits)
	f("once", begun, rest(4, 10))
	f("three times", begun, rest(4, 6), rest(6, 9), rest(9, 10))
	f("before the first byte", noBody, begun, rest(4, 10))
	f("twice at one place", begun, rest(4, 4), rest(4, 10))
	f("after a 503", begun, answering(503), rest(4, 10))
	f("after a cut before the answer", begun, "", rest(4, 10))
	f("after two of them", begun, "", "", rest(4, 10))
	f("chunked, on an edge", begunChunked, rest(4, 10))
	f("chunked, inside", begunChunked+"6\r\n45", rest(6, 10))
	f("chunked, then cut again", begunChunked, rest(4, 8), rest(8, 10))
	f("by chunks", begun,
		"HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n456789\r\n0\r\n\r\n")
	f("by chunks that end early", begun,
		"HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n45\r\n0\r\n\r\n", rest(6, 10))
	f("by chunks without their end", begun,
		"HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n456789\r\n")
	f("close-delimited", begun, "HTTP/1.0 206 P\r\nETag: \"v1\"\r\nContent-Range: Bytes 4-9/10\r\n\r\n456789")
	f("close-delimited and cut", begun, "HTTP/1.0 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\n\r\n45", rest(6, 10))
	f("encoded", strings.Replace(begun, "ETag", "Content-Encoding: gzip\r\nETag", 1),
		strings.Replace(rest(4, 10), "ETag", "Content-Encoding: gzip\r\nETag", 1))
}

// withoutRange takes out of a request what asks for the rest.
func withoutRange(head string) string {
	var kept []string
	for line := range strings.SplitAfterSeq(head, "\r\n") {
		if !strings.HasPrefix(line, "Range: ") && line != "If-Range: \"v1\"\r\n" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestRestIsAskedFor(t *testing.T) {
	server := startScript(t, begun, rest(4, 7), rest(7, 10))
	o := open(t, server.url(), nil)
	content(t, fetched(t, o, get(o, "/x")))
	server.head(t)
	for _, from := range []int{4, 7} {
		head := server.head(t)
		if !strings.Contains(head, fmt.Sprintf("\r\nRange: bytes=%d-\r\n", from)) || !strings.Contains(head, "\r\nIf-Range: \"v1\"\r\n") {
			t.Errorf("sent %q", head)
		}
	}
}

func TestAnswersThatAreNotTheRest(t *testing.T) {
	f := func(name, first, second, says string) {
		t.Run(name, func(t *testing.T) {
			server := startScript(t, first, second, rest(4, 10))
			o := openHasty(t, server.url(), nil)
			body, err := io.ReadAll(fetched(t, o, get(o, "/x")).Body)
			e := failedAs(t, err, KindFailed)
			if string(body) != "0123" || e.Op != opBody || e.Target != rolePrimary || !strings.Contains(e.Error(), says) {
				t.Errorf("%q, failed with %v", body, e)
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v does not say how it broke", err)
			}
			if n := len(server.heads); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
	changed := func(header, instead string) string { return strings.Replace(rest(4, 10), header, instead, 1) }
	f("200", begun, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n"+digits, "status 200")
	f("another object", begun, "HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 10\r\n\r\nabcdefghij", "status 200")
	f("404", begun, answering(404), "status 404")
	f("412", begun, answering(412), "status 412")
	f("416", begun, "HTTP/1.1 416 Range\r\nContent-Range: bytes */4\r\nETag: \"v1\"\r\nContent-Length: 0\r\n\r\n", "status 416")
	f("416 at the end of chunks", begunChunked,
		"HTTP/1.1 416 Range\r\nContent-Range: bytes */4\r\nETag: \"v1\"\r\nContent-Length: 0\r\n\r\n", "status 416")
	f("a redirect to a folder", begun, "HTTP/1.1 301 Moved\r\nLocation: /x/\r\nContent-Length: 0\r\n\r\n", "status 301")
	f("another ETag", begun, changed(`"v1"`, `"v2"`), "has changed")
	f("a weak ETag", begun, changed(`"v1"`, `W/"v1"`), "has changed")
	f("no ETag", begun, changed(`ETag: "v1"`, `X-A: 1`), "has changed")
	f("two ETags", begun, changed(`ETag: "v1"`, "ETag: \"v1\"\r\nETag: \"v1\""), "has changed")
	f("a coding", begun, changed("ETag", "Content-Encoding: gzip\r\nETag"), "Content-Encoding")
	f("no coding", strings.Replace(begun, "ETag", "Content-Encoding: gzip\r\nETag", 1), rest(4, 10), "Content-Encoding")
	f("no Content-Range", begun, changed("Content-Range", "X-Range"), "status 206")
	f("two of them", begun, changed("ETag", "Content-Range: bytes 4-9/10\r\nETag"), "status 206")
	for _, said := range []string{
		"bytes 3-9/10", "bytes 5-9/10", "bytes 4-8/10", "bytes 4-10/10", "bytes 4-9/11", "bytes 4-10/11", "bytes 4-9/*", "bytes 4-9",
		"bytes 4-/10", "bytes -9/10", "bytes=4-9/10", "4-9/10", "items 4-9/10", "bytes +4-9/10", "bytes 4-9/10, 4-9/10", "bytes 9-4/10",
		"bytes */10", "bytes  4-9/10", "bytes 4-9/99999999999999999999",
	} {
		f(said, begun, changed("bytes 4-9/10", said), "Content-Range")
	}
	f("a size below what came", begunChunked, changed("bytes 4-9/10", "bytes 4-3/4"), "Content-Range")
	f("another size", begun, "HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-10/11\r\nContent-Length: 7\r\n\r\n456789a",
		"Content-Range")
	f("a wrong length", begun, strings.Replace(rest(4, 9), "Content-Length: 6", "Content-Length: 5", 1), "Content-Length 5")
	f("ranges", begun, changed("ETag", "Content-Type: multipart/byteranges; boundary=x\r\nETag"), "several ranges")
}

func TestMoreThanTheRest(t *testing.T) {
	server := startScript(t, begun,
		"HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n4567\r\n4\r\n89ab\r\n0\r\n\r\n")
	o := open(t, server.url(), nil)
	body, err := io.ReadAll(fetched(t, o, get(o, "/x")).Body)
	if failedAs(t, err, KindFailed); !strings.HasPrefix(digits, string(body)) {
		t.Errorf("body %q", body)
	}
}

// The size that the first 206 told binds the second.
func TestSizeIsKept(t *testing.T) {
	server := startScript(t, begunChunked, rest(4, 6),
		"HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 6-10/11\r\nContent-Length: 5\r\n\r\n6789a")
	o := open(t, server.url(), nil)
	body, err := io.ReadAll(fetched(t, o, get(o, "/x")).Body)
	if failedAs(t, err, KindFailed); string(body) != "012345" {
		t.Errorf("body %q", body)
	}
}

func TestResumesAreCounted(t *testing.T) {
	f := func(name, got string, requests int, answers ...string) {
		t.Run(name, func(t *testing.T) {
			server := startScript(t, answers...)
			o := openHasty(t, server.url(), func(c *Config) { c.Breaker.Failures = 0 })
			body, err := io.ReadAll(fetched(t, o, get(o, "/x")).Body)
			if e := failedAs(t, err, KindFailed); string(body) != got {
				t.Errorf("%q, failed with %v", body, e)
			}
			if n := len(server.heads); n != requests {
				t.Errorf("%d requests, want %d", n, requests)
			}
		})
	}
	f("a byte each", "0123456", 4, begun, rest(4, 5), rest(5, 6), rest(6, 7), rest(7, 10))
	f("nothing each", "0123", 4, begun, rest(4, 4), rest(4, 4), rest(4, 4), rest(4, 10))
	f("500", "0123", 4, begun, answering(500), answering(500), answering(500), rest(4, 10))
	f("nonsense", "0123", 4, begun, "nonsense", "nonsense", "nonsense", rest(4, 10))
	f("no answer", "0123", 4, begun)
}

func TestNothingIsResumed(t *testing.T) {
	f := func(name, first string, change func(*Request)) {
		t.Run(name, func(t *testing.T) {
			server := startScript(t, first, rest(4, 10))
			o := open(t, server.url(), nil)
			r := get(o, "/x")
			if change != nil {
				change(&r)
			}
			body, err := io.ReadAll(fetched(t, o, r).Body)
			if failedAs(t, err, KindFailed); string(body) != "0123" {
				t.Errorf("body %q", body)
			}
			if n := len(server.heads); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
	tag := func(instead string) string { return strings.Replace(begun, `ETag: "v1"`, instead, 1) }
	f("no ETag", tag("X-A: 1"), nil)
	f("a weak one", tag(`ETag: W/"v1"`), nil)
	f("an empty one", tag(`ETag: ""`), nil)
	f("a bare one", tag(`ETag: v1`), nil)
	f("half of one", tag(`ETag: "v1`), nil)
	f("two", tag("ETag: \"v1\"\r\nETag: \"v1\""), nil)
	f("proxied", begun, func(r *Request) { r.Proxy = true })
	f("a part", "HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n0123", func(r *Request) {
		r.Proxy = true
		r.Header.Set("Range", "bytes=0-")
	})
}

func TestStallIsResumed(t *testing.T) {
	var n atomic.Int64
	server := startRaw(t, func(c net.Conn, _ string) bool {
		answer := begun
		if n.Add(1) > 1 {
			answer = rest(4, 10)
		}
		_, err := io.WriteString(c, answer)
		return err == nil
	})
	o := open(t, server.url(), func(c *Config) { c.Timeouts.Stall = 50 * time.Millisecond })
	if got := content(t, fetched(t, o, get(o, "/x"))); got != digits {
		t.Errorf("body %q", got)
	}
}

// An answer that never comes ends by the limits of a new pull, and the break is still what the caller learns.
func TestResumeHasLimits(t *testing.T) {
	f := func(setting string, change func(*Timeouts)) {
		t.Run(setting, func(t *testing.T) {
			var n atomic.Int64
			server := startRaw(t, func(c net.Conn, _ string) bool {
				if n.Add(1) == 1 {
					_, _ = io.WriteString(c, begun)
					return false
				}
				return true
			})
			o := openHasty(t, server.url(), func(c *Config) { change(&c.Timeouts) })
			body, err := io.ReadAll(fetched(t, o, get(o, "/x")).Body)
			if e := failedAs(t, err, KindFailed); string(body) != "0123" || !strings.Contains(e.Error(), setting) {
				t.Errorf("%q, failed with %v", body, e)
			}
			if got := n.Load(); got != 1+maxResumes {
				t.Errorf("%d requests", got)
			}
		})
	}
	f("timeouts.first_byte", func(t *Timeouts) { t.FirstByte = 50 * time.Millisecond })
	f("timeouts.answer", func(t *Timeouts) { t.Answer = 50 * time.Millisecond })
}

func TestResumeFollowsRedirects(t *testing.T) {
	away := startScript(t, begun, rest(4, 10))
	_, port, _ := net.SplitHostPort(away.addr)
	home := startRedirecting(t, 302, map[string]string{"/a": "/b", "/b": "http://localhost:" + port + "/c"})
	o := open(t, home.url(), func(c *Config) { c.AllowPrivateRedirects = true })
	r := get(o, "/a")
	r.Header.Set("Authorization", "Basic eDp5")
	if got := content(t, fetched(t, o, r)); got != digits {
		t.Errorf("body %q", got)
	}
	for range 2 {
		for _, path := range []string{"/a", "/b"} {
			if head := home.head(t); !strings.HasPrefix(head, "GET "+path+" ") || !strings.Contains(head, "Basic eDp5") {
				t.Errorf("sent %q", head)
			}
		}
		if head := away.head(t); strings.Contains(head, "Authorization") {
			t.Errorf("the secret went along: %q", head)
		}
	}
}

func TestResumeIsSigned(t *testing.T) {
	came := make(chan arrival, 10)
	server := startHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		came <- arrivalOf(r)
		w.Header().Set("Etag", `"v1"`)
		if r.Header.Get("Range") != "" {
			w.Header().Set("Content-Encoding", "aws-chunked") // which not every answer of such a bucket says
			http.ServeContent(w, r, "x", time.Time{}, strings.NewReader(digits))
			return
		}
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, digits[:4])
	})
	o := openBucket(t, bucketAt(server.URL), nil)
	if got := content(t, fetched(t, o, get(o, "/x"))); got != digits {
		t.Errorf("body %q", got)
	}
	for range 2 {
		if a := <-came; a.authorization == "" || a.sameSecond && a.authorization != a.expected {
			t.Errorf("signed %q, want %q", a.authorization, a.expected)
		}
	}
}

func TestStreamIsResumed(t *testing.T) {
	server, ca, saw := startTLS(t, "old.example.com", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		if r.Header.Get("Range") != "" {
			http.ServeContent(w, r, "x", time.Time{}, strings.NewReader(digits))
			return
		}
		_, _ = io.WriteString(w, digits[:4])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	o := open(t, "", func(c *Config) {
		c.Primary = Target{URL: "https://old.example.com", ConnectTo: server.Listener.Addr().String(), TLS: TLS{CAFile: ca}}
	})
	if got := content(t, fetched(t, o, get(o, "/"))); got != digits {
		t.Errorf("body %q", got)
	}
	if first, second := <-saw, <-saw; first.proto != "HTTP/2.0" || second != first {
		t.Errorf("asked as %+v, then as %+v", first, second)
	}
}

// What happens after the last byte of a known length changes nothing about the bytes.
func TestBreakAfterTheLastByte(t *testing.T) {
	server, ca, saw := startTLS(t, "old.example.com", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, digits)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	o := open(t, "", func(c *Config) {
		c.Primary = Target{URL: "https://old.example.com", ConnectTo: server.Listener.Addr().String(), TLS: TLS{CAFile: ca}}
	})
	if got := content(t, fetched(t, o, get(o, "/"))); got != digits {
		t.Errorf("body %q", got)
	}
	if len(saw) != 1 {
		t.Errorf("%d requests", len(saw))
	}
}

func TestResumeCountsForTheRate(t *testing.T) {
	server := startScript(t, begun, rest(4, 10))
	o := open(t, server.url(), func(c *Config) { c.MaxRate, c.Timeouts.Answer = 0.5, time.Second })
	body, err := io.ReadAll(fetched(t, o, get(o, "/")).Body)
	if e := failedAs(t, err, KindFailed); string(body) != "0123" || !strings.Contains(e.Error(), "max_rate") {
		t.Errorf("%q, failed with %v", body, e)
	}
	if len(server.heads) != 1 {
		t.Errorf("%d requests", len(server.heads))
	}
}

func TestResumeKeepsTheBandwidth(t *testing.T) {
	const size = 40 << 10
	head := "HTTP/1.1 %s\r\nETag: \"v1\"\r\nContent-Range: bytes 10240-40959/40960\r\nContent-Length: %d\r\n\r\n"
	server := startScript(t, fmt.Sprintf(head, "200 OK", size)+strings.Repeat("x", size/4),
		fmt.Sprintf(head, "206 P", size*3/4)+strings.Repeat("x", size*3/4))
	o := open(t, server.url(), func(c *Config) { c.MaxBandwidth = 100 << 10 })
	begun := time.Now()
	if got := content(t, fetched(t, o, get(o, "/"))); len(got) != size {
		t.Errorf("%d bytes", len(got))
	}
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("40 KiB at 100 KiB/s took %s", took)
	}
}

// Who leaves while the rest is asked for, or between two attempts, ends that at once and leaves nothing behind.
func TestLeavingWhileResuming(t *testing.T) {
	f := func(second string, leave func(*Response, context.CancelFunc)) {
		quiet(t, func(t *testing.T) {
			var n atomic.Int64
			server := startRaw(t, func(c net.Conn, _ string) bool {
				if n.Add(1) == 1 {
					_, _ = io.WriteString(c, begun)
					return false
				}
				_, _ = io.WriteString(c, second)
				return true
			})
			o := open(t, server.url(), func(c *Config) { c.MaxConcurrent = 1 })
			o.patient = time.Hour
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := o.Fetch(ctx, get(o, "/"))
			if err != nil {
				t.Fatal(err)
			}
			failed := make(chan error)
			go func() {
				_, err := io.ReadAll(r.Body)
				failed <- err
			}()
			server.head(t)
			server.head(t)
			leave(r, cancel)
			if err := <-failed; !errors.Is(err, context.Canceled) && second == "" {
				t.Errorf("failed with %v", err)
			}
			r.Body.Close()
			if o.targets[rolePrimary].breaker.failed != nil && second == "" {
				t.Error("it counts as a failure")
			}
		})
	}
	closing := func(r *Response, _ context.CancelFunc) { r.Body.Close() }
	cancelling := func(_ *Response, cancel context.CancelFunc) { cancel() }
	f("", closing)
	f("", cancelling)
	f(answering(500), closing)
	f(answering(500), cancelling)
}

// What ends a pull on this side is no break.
func TestOwnEndsAreNotResumed(t *testing.T) {
	f := func(name, answer string, bandwidth int64, leave func(*Response, context.CancelFunc)) {
		t.Run(name, func(t *testing.T) {
			server := startHanging(t, answer)
			o := open(t, server.url(), func(c *Config) { c.MaxBandwidth = bandwidth })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r, err := o.Fetch(ctx, get(o, "/"))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			if _, err := io.ReadFull(r.Body, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			leave(r, cancel)
			_, err = io.Copy(io.Discard, r.Body)
			failedAs(t, err, KindFailed)
			if n := r.Body.(*body).attempts; n != 0 || len(server.heads) != 1 || o.targets[rolePrimary].breaker.failed != nil {
				t.Errorf("%d attempts", n)
			}
		})
	}
	f("closed", begun, 0, func(r *Response, _ context.CancelFunc) { r.Body.Close() })
	f("cancelled", begun, 0, func(_ *Response, cancel context.CancelFunc) { cancel() })
	const size = 4 * minBurst
	f("too slow for the caller's deadline",
		fmt.Sprintf("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)), 1,
		func(*Response, context.CancelFunc) {})
}

// A part that arrives when the body has been closed is closed as well.
func TestPartAfterClose(t *testing.T) {
	o := open(t, startSaying(t, fine).url(), nil)
	r := fetched(t, o, get(o, "/"))
	r.Body.Close()
	in, out := io.Pipe()
	r.Body.(*body).turnTo(&part{src: in, w: watched(t.Context())})
	if _, err := out.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("it is open: %v", err)
	}
}

func TestResumeIsLogged(t *testing.T) {
	var log strings.Builder
	o := open(t, startScript(t, begun, rest(4, 10)).url(), nil)
	o.log = slog.New(slog.NewTextHandler(&log, nil))
	content(t, fetched(t, o, get(o, "/")))
	if got := log.String(); !strings.Contains(got, "asking for the rest") || !strings.Contains(got, "at=4 attempt=1") {
		t.Errorf("log %q", got)
	}
}

// Whatever an origin does, every byte that is read is the right one, and an end is the end.
func TestNeverAWrongByte(t *testing.T) {
	const seeds = 300
	object := make([]byte, 20_000)
	for i := range object {
		object[i] = byte(i * 7 / 3)
	}
	var completed int
	for seed := range seeds {
		random := rand.New(rand.NewPCG(uint64(seed), 1)) // used by one request at a time
		server := startRaw(t, func(c net.Conn, head string) bool {
			_, _ = io.WriteString(c, randomAnswer(random, object, head))
			return false
		})
		o := openHasty(t, server.url(), nil)
		r, err := fetch(t, o, get(o, "/"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		switch {
		case !strings.HasPrefix(string(object), string(body)):
			t.Fatalf("seed %d: a wrong byte", seed)
		case err == nil && len(body) != len(object):
			t.Fatalf("seed %d: %d bytes are said to be all", seed, len(body))
		case err == nil:
			completed++
		}
		server.close()
	}
	if completed < seeds/10 || completed > seeds*9/10 {
		t.Errorf("%d of %d pulls were completed: that shows little", completed, seeds)
	}
}

// randomAnswer answers with the object or the rest of it: right, cut, or subtly wrong.
func randomAnswer(random *rand.Rand, object []byte, head string) string {
	from := 0
	_, asked, ranged := strings.Cut(head, "\r\nRange: bytes=")
	if ranged {
		_, _ = fmt.Sscanf(asked, "%d-", &from)
	}
	tag, status, size := `"v1"`, "200 OK", len(object)
	if ranged {
		status = "206 Partial Content"
		switch random.IntN(12) {
		case 0:
			tag = `"v2"`
			object = []byte(strings.Repeat("x", size))
		case 1:
			from += random.IntN(3) - 1
		case 2:
			status, from = "200 OK", 0
		case 3:
			size++
		}
	}
	from = max(0, min(from, len(object)-1))
	body := string(object[from:])
	sent := body
	if random.IntN(3) > 0 {
		sent = body[:random.IntN(len(body))]
	}
	h := fmt.Sprintf("HTTP/1.1 %s\r\nETag: %s\r\n", status, tag)
	if ranged {
		h += fmt.Sprintf("Content-Range: bytes %d-%d/%d\r\n", from, size-1, size)
	}
	if random.IntN(2) == 0 {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", h, len(body), sent)
	}
	h += "Transfer-Encoding: chunked\r\n\r\n"
	if sent != "" {
		h += fmt.Sprintf("%x\r\n%s\r\n", len(sent), sent)
	}
	if len(sent) == len(body) || ranged && random.IntN(8) == 0 {
		h += "0\r\n\r\n"
	}
	return h
}
