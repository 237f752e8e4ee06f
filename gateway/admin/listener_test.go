package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
)

// served runs a Server until the test calls what it returns, which waits for its end.
func served(t *testing.T, s *admin.Server) (addr string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	return ln.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Who asks and never reads loses the connection: else anybody could take all that the process may have.
func TestClientMustRead(t *testing.T) {
	s := admin.New(admin.Options{})
	s.WriteWithin(100 * time.Millisecond)
	addr, stop := served(t, s)
	defer stop()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for err == nil {
		_, err = io.WriteString(conn, strings.Repeat("GET /app.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 1000))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still there")
	}
}

// The end of the listener is the end of what was asked there: nothing is steered behind it.
func TestServeWaits(t *testing.T) {
	asked := make(chan struct{})
	var over atomic.Bool
	s := admin.New(admin.Options{
		Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Log: slog.New(slog.DiscardHandler),
		Sites: someSites{},
		Refresh: func(ctx context.Context, _, _ string) (string, error) {
			close(asked)
			<-ctx.Done()
			<-time.After(50 * time.Millisecond)
			over.Store(true)
			return "unchanged", nil
		},
	})
	addr, stop := served(t, s)
	answered := make(chan string, 1)
	go func() {
		_, body, err := sendOf(t.Context(), "POST", "http://"+addr+"/api/v1/refresh", `{"site": "s", "keys": ["k"]}`)
		if err != nil {
			body = []byte(err.Error())
		}
		answered <- string(body)
	}()
	select {
	case <-asked:
	case got := <-answered:
		t.Fatalf("nothing was asked: %s", got)
	}
	stop()
	if !over.Load() {
		t.Error("it returned before what was asked was over")
	}
	if got := <-answered; !strings.Contains(got, "unchanged") {
		t.Errorf("the answer is %q", got)
	}
}
