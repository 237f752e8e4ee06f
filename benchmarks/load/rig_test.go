package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain makes the test binary the program itself, for a test that sends it signals.
func TestMain(m *testing.M) {
	if os.Getenv("LOAD_IS_THE_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// program runs the program to its end.
func program(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return programUntil(ctx, args...)
}

func programUntil(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// replayed runs replay with --json, wants this exit status, and returns the report.
func replayed(t *testing.T, want int, args ...string) report {
	t.Helper()
	code, stdout, stderr := program(t, append([]string{"replay", "--json"}, args...)...)
	if code != want {
		t.Errorf("exit status %d, not %d\n%s%s", code, want, stdout, stderr)
	}
	return decoded[report](t, stdout)
}

func decoded[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return value
}

// write makes a file with this text, and returns its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "requests")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// server notes what it is asked, and when.
type server struct {
	*httptest.Server

	mu    sync.Mutex
	asked []*http.Request
	at    []time.Time
}

func serve(t *testing.T, answer http.HandlerFunc) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked, s.at = append(s.asked, r), append(s.at, time.Now())
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }

// collected runs a loop against a server, and returns all results.
func collected(t *testing.T, s *server, l loop) []result {
	t.Helper()
	u, err := parseBase("url", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []result
	l.send = newClient(u, http.Header{}, "", l.connections, l.timeout, false).send
	l.took = func(r result) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, r)
	}
	if l.requests == nil {
		l.requests = forever(t)
	}
	if err := l.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

// forever gives the same request again and again.
func forever(t *testing.T) *file {
	t.Helper()
	f, err := openFile(&settings{Urls: write(t, "/a\n")}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.close() })
	return f
}
