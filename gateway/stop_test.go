package gateway

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"mirrorgate/cache"
)

// A gateway that is told to stop before it has begun to serve stops.
func TestStopAtOnce(t *testing.T) {
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	quiet := slog.New(slog.DiscardHandler)
	grace, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 200 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g := New(Options{Config: DefaultConfig(), Cache: cache.New(cache.DefaultLimits(), cache.Memory{}, nil, quiet), Log: quiet})
		ended := make(chan error, 1)
		go func() { ended <- g.Serve(stopped, grace, ln) }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-grace.Done():
			t.Fatal("it serves")
		}
	}
}
