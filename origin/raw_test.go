package origin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// rawServer speaks whatever a test writes, on a real socket.
type rawServer struct {
	addr  string
	heads chan string // of the requests that came, request line first

	ln    net.Listener
	work  sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
}

// startRaw answers each request by calling serve with its head; false closes the connection.
func startRaw(t *testing.T, serve func(c net.Conn, head string) bool) *rawServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{addr: ln.Addr().String(), heads: make(chan string, 100), ln: ln}
	s.work.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.work.Go(func() { s.answer(c, serve) })
		}
	})
	t.Cleanup(s.close)
	return s
}

// startSaying answers every request with the same bytes and closes the connection.
func startSaying(t *testing.T, answer string) *rawServer {
	return startRaw(t, func(c net.Conn, _ string) bool {
		_, _ = io.WriteString(c, answer)
		return false
	})
}

// startHanging sends the bytes and then nothing any more.
func startHanging(t *testing.T, answer string) *rawServer {
	return startRaw(t, func(c net.Conn, _ string) bool {
		_, _ = io.WriteString(c, answer)
		return true // which waits for a request that does not come
	})
}

func (s *rawServer) answer(c net.Conn, serve func(net.Conn, string) bool) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		var head strings.Builder
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			head.WriteString(line)
		}
		s.heads <- head.String()
		if !serve(c, head.String()) {
			return
		}
	}
}

// close ends the server, also in mid-answer.
func (s *rawServer) close() {
	_ = s.ln.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.work.Wait()
}

func (s *rawServer) url() string { return "http://" + s.addr }

// head returns the next request's head.
func (s *rawServer) head(t *testing.T) string {
	t.Helper()
	select {
	case head := <-s.heads:
		return head
	case <-time.After(patience):
		t.Fatal("no request came")
	}
	return ""
}

func (s *rawServer) line(t *testing.T) string {
	t.Helper()
	line, _, _ := strings.Cut(s.head(t), "\r\n")
	return line
}

// unasked fails if a request came.
func (s *rawServer) unasked(t *testing.T) {
	t.Helper()
	if len(s.heads) > 0 {
		t.Errorf("a request came: %q", <-s.heads)
	}
}

// startHTTP is an ordinary server.
func startHTTP(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// deadAddress returns an address at which nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// open makes an Origin with a primary and whatever change makes of the default configuration.
func open(t *testing.T, primary string, change func(*Config)) *Origin {
	t.Helper()
	c := DefaultConfig()
	c.Primary = Target{URL: primary}
	if change != nil {
		change(&c)
	}
	return openWith(t, c, Options{})
}

func openWith(t *testing.T, c Config, o Options) *Origin {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	made, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

// get makes a GET of a path at the primary and, if there is one, the backup.
func get(o *Origin, path string) Request {
	r := Request{Method: http.MethodGet, Header: http.Header{}, Secret: map[string]bool{}}
	for _, role := range []string{rolePrimary, roleBackup} {
		if t := o.targets[role]; t != nil {
			r.Asks = append(r.Asks, Ask{Role: role, URL: t.base.String() + path})
		}
	}
	return r
}

func fetch(t *testing.T, o *Origin, r Request) (*Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	response, err := o.Fetch(ctx, r)
	if err == nil {
		t.Cleanup(func() { response.Body.Close() })
	}
	return response, err
}

// fetched fetches what must succeed.
func fetched(t *testing.T, o *Origin, r Request) *Response {
	t.Helper()
	response, err := fetch(t, o, r)
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	return response
}

// refused fetches what must fail, in the given way.
func refused(t *testing.T, o *Origin, r Request, want Kind) *Error {
	t.Helper()
	response, err := fetch(t, o, r)
	if err == nil {
		t.Fatalf("fetched with status %d, want %s", response.Status, want)
	}
	return failedAs(t, err, want)
}

func failedAs(t *testing.T, err error, want Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("failed with %v, want kind %s", err, want)
	}
	if public := e.Public(); public == "" || strings.Contains(public, "127.0.0.1") {
		t.Errorf("the public text is %q", public)
	}
	return e
}

func content(t *testing.T, r *Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("read the body: %v", err)
	}
	r.Body.Close()
	return string(body)
}

// quiet runs f and fails if goroutines that it started live on.
func quiet(t *testing.T, f func(t *testing.T)) {
	before := runtime.NumGoroutine()
	t.Run("quiet", f)
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before,
				stacks[:runtime.Stack(stacks, true)])
		}
		<-time.After(time.Millisecond)
	}
}
