package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// A gateway whose traffic listener breaks ends, and says why: it does not stay as a process that answers nobody.
func TestEndsWithoutListener(t *testing.T) {
	dir := t.TempDir()
	cfg, err := (&serveCmd{
		Origin: "http://127.0.0.1:9", Bucket: dir + "/bucket", DataDir: dir + "/data", Listen: "127.0.0.1:0",
	}).configuration()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Admin.Listen, cfg.Server.Drain, cfg.Server.Grace = "", 0, time.Second
	p, err := start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	harness.Eventually(t, 20*time.Second, p.ready)
	if err := p.ln.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "serve on") {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it has not ended")
	}
}
