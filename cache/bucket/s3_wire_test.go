package bucket

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
)

// wire is an S3 server that says exactly what a test wants, connection by connection.
type wire struct {
	net.Listener
	conns atomic.Int64
}

// newWire runs serve for each connection, which it closes behind it.
func newWire(t testing.TB, serve func(conn int64, c net.Conn, requests *bufio.Reader)) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &wire{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := w.conns.Add(1)
			go func() {
				defer c.Close()
				serve(n, c, bufio.NewReader(c))
			}()
		}
	}()
	return w
}

// saying answers each request of each connection with text.
func saying(t testing.TB, text string) *wire {
	return newWire(t, func(_ int64, c net.Conn, requests *bufio.Reader) {
		for _, err := http.ReadRequest(requests); err == nil; _, err = http.ReadRequest(requests) {
			io.WriteString(c, text)
		}
	})
}

// bucket opens "box" on the server.
func (w *wire) bucket(t testing.TB, change func(*S3Config)) *S3 {
	t.Helper()
	var c S3Config
	c.SetDefaults()
	c.Endpoint, c.Name, c.AccessKey, c.SecretKey = "http://"+w.Addr().String(), "box", "AKID", "secret"
	c.Timeouts = Timeouts{Connect: 5 * time.Second, FirstByte: 5 * time.Second, Stall: 5 * time.Second}
	if change != nil {
		change(&c)
	}
	s, err := NewS3(c, "", NewUploads(UploadLimits{PartSize: 5 << 20}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.pool.closeIdle)
	return s
}

const (
	right = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\nright"
	wrong = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\nwrong"
)

// What a server sends behind an answer is never the answer to another request. (Of one that is read in pieces, see
// TestSpliceStopsAtTheEnd.)
func TestBytesBehindAnAnswer(t *testing.T) {
	chunks := "HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	for name, test := range map[string]struct {
		answer  string
		options cache.ReadOptions
		want    string
	}{
		"small":           {right, cache.ReadOptions{}, "=right"},
		"nothing":         {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cache.ReadOptions{}, "="},
		"an error":        {"HTTP/1.1 503 S\r\nContent-Length: 2\r\n\r\nno", cache.ReadOptions{}, "status 503"},
		"error in chunks": {chunks, cache.ReadOptions{}, "status 503"},
		"HEAD":            {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", cache.ReadOptions{HeadersOnly: true}, "=nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, func(conn int64, c net.Conn, requests *bufio.Reader) {
				text := right
				if conn == 1 {
					text = test.answer + wrong // all at once
				}
				for _, err := http.ReadRequest(requests); err == nil; _, err = http.ReadRequest(requests) {
					io.WriteString(c, text)
				}
			})
			s := w.bucket(t, nil)
			if got := fetched(t, s, test.options); !strings.Contains(got, test.want) {
				t.Errorf("got %.80q, want %.80q", got, test.want)
			}
			if got := fetched(t, s, cache.ReadOptions{}); got != "=right" {
				t.Errorf("the next request got %q", got)
			}
			if n := len(s.client.slots); n != 0 || w.conns.Load() != 2 {
				t.Errorf("%d connections, want 2; %d slots are still taken", w.conns.Load(), n)
			}
		})
	}
}

// The answer that decides whether a connection is used again.
func TestConnectionsUsedAgain(t *testing.T) {
	const length = "Content-Length: 5\r\n"
	head := cache.ReadOptions{HeadersOnly: true}
	for name, test := range map[string]struct {
		answer  string
		options cache.ReadOptions
		conns   int64 // of three requests
	}{
		"an object":              {right, cache.ReadOptions{}, 1},
		"behind a 103":           {"HTTP/1.1 103 E\r\nLink: x\r\n\r\n" + right, cache.ReadOptions{}, 1},
		"an answer to HEAD":      {"HTTP/1.1 200 OK\r\n" + length + "\r\n", head, 1},
		"an error":               {"HTTP/1.1 503 S\r\n" + length + "\r\nhello", cache.ReadOptions{}, 1},
		"an error in chunks":     {"HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", cache.ReadOptions{}, 1},
		"trailers":               {"HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", cache.ReadOptions{}, 3},
		"chunks and a length":    {"HTTP/1.1 503 S\r\nTransfer-Encoding: chunked\r\n" + length + "\r\n0\r\n\r\n", cache.ReadOptions{}, 3},
		"Connection: close":      {"HTTP/1.1 200 OK\r\nConnection: Foo, Close\r\n" + length + "\r\nhello", cache.ReadOptions{}, 3},
		"HTTP/1.0":               {"HTTP/1.0 200 OK\r\n" + length + "\r\nhello", cache.ReadOptions{}, 3},
		"HTTP/1.0 and keep":      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + length + "\r\nhello", cache.ReadOptions{}, 3},
		"no length":              {"HTTP/1.1 200 OK\r\n\r\n", cache.ReadOptions{}, 3},
		"more than an error may": {"HTTP/1.1 503 S\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000), cache.ReadOptions{}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := saying(t, test.answer)
			s := w.bucket(t, nil)
			for range 3 {
				fetched(t, s, test.options)
			}
			if n := w.conns.Load(); n != test.conns {
				t.Errorf("%d connections for three requests, want %d", n, test.conns)
			}
		})
	}
}

// A body that is closed before its end takes its connection with it.
func TestUnreadBody(t *testing.T) {
	w := saying(t, "HTTP/1.1 200 OK\r\nContent-Length: 40960\r\n\r\n"+strings.Repeat("x", 40<<10))
	s := w.bucket(t, nil)
	for range 3 {
		obj, err := s.Open(t.Context(), "a", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(obj.Body, make([]byte, 8<<10))
		obj.Body.Close()
		if n, err := obj.Body.Read(make([]byte, 9)); n != 0 || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a read behind Close gave %d, %v", n, err)
		}
	}
	if n := w.conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// The rest of a body that nobody waited for is not the next answer, even if it comes only then.
func TestUnreadBodyComesLater(t *testing.T) {
	w := newWire(t, func(_ int64, c net.Conn, requests *bufio.Reader) {
		http.ReadRequest(requests)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 40960\r\n\r\n"+strings.Repeat("x", 8<<10))
		http.ReadRequest(requests)
		io.WriteString(c, wrong)
	})
	s := w.bucket(t, nil)
	for range 3 {
		obj, err := s.Open(t.Context(), "a", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if data := make([]byte, 8<<10); obj.Length != 40960 {
			t.Errorf("a body of %d bytes", obj.Length)
		} else if _, err := io.ReadFull(obj.Body, data); err != nil || strings.Trim(string(data), "x") != "" {
			t.Errorf("%v, or wrong bytes", err)
		}
		obj.Body.Close()
	}
}

// A server that closes an idle connection while a request is on its way over it is asked once more, and no oftener; one
// that has begun to answer is not.
func TestStaleInFlight(t *testing.T) {
	for _, test := range []struct {
		begun, want string
		conns       int64
	}{{"", "=right", 2}, {"HTTP/1.1 2", "cut in its header", 1}} {
		w := newWire(t, func(_ int64, c net.Conn, requests *bufio.Reader) {
			http.ReadRequest(requests)
			io.WriteString(c, right)
			http.ReadRequest(requests)
			io.WriteString(c, test.begun)
		})
		s := w.bucket(t, nil)
		for _, want := range []string{"=right", test.want} {
			if got := fetched(t, s, cache.ReadOptions{}); !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if n := w.conns.Load(); n != test.conns {
			t.Errorf("%d connections, want %d", n, test.conns)
		}
	}
}

// A body that has come whole holds no connection while somebody reads it.
func TestSmallBodyHoldsNoConnection(t *testing.T) {
	w := saying(t, right)
	s := w.bucket(t, nil)
	var bodies []io.ReadCloser
	for range 4 {
		obj, err := s.Open(t.Context(), "a", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, obj.Body)
	}
	if n := len(s.client.slots); n != 0 || w.conns.Load() != 1 {
		t.Errorf("%d connections, %d in use; want 1, and none in use", w.conns.Load(), n)
	}
	for _, body := range bodies {
		if data, err := io.ReadAll(body); string(data) != "right" || err != nil {
			t.Errorf("got %q, %v", data, err)
		}
		body.Close()
	}
}

// A request that the network takes in pieces is sent whole.
func TestLongRequest(t *testing.T) {
	etag := `"` + strings.Repeat("e", 8<<20) + `"`
	w := newWire(t, func(_ int64, c net.Conn, requests *bufio.Reader) {
		if r, err := http.ReadRequest(requests); err == nil && r.Header.Get("If-Match") == etag {
			io.WriteString(c, right)
		}
	})
	if got := fetched(t, w.bucket(t, nil), cache.ReadOptions{IfMatch: etag}); got != "=right" {
		t.Errorf("got %q", got)
	}
	if got := fetched(t, w.bucket(t, nil), cache.ReadOptions{IfMatch: "a\r\nX: y"}); !strings.Contains(got, "cannot be sent") {
		t.Errorf("a line break in an ETag: %q", got)
	}
}

// A deadline that has passed while the connection was idle does not hold for the next request.
func TestDeadlinePassesWhileIdle(t *testing.T) {
	w := saying(t, right)
	s := w.bucket(t, nil)
	for range 2 {
		if got := fetched(t, s, cache.ReadOptions{}); got != "=right" {
			t.Errorf("got %q", got)
		}
		c := s.client.pool.idle[0]
		c.until = time.Now().Add(-time.Second)
		if err := c.tcp.SetReadDeadline(c.until); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
