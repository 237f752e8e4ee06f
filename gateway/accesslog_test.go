package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/benchmarks/load/accesslog"
	"mirrorgate/gateway"
)

// hostile is a request that would forge a line, if it could.
func hostile() *gateway.Answered {
	return &gateway.Answered{
		ID: "0123", Client: "10.0.0.7", Method: "GET", Host: "site.test", Proto: "HTTP/1.1", Site: "site", Key: "a\"\n",
		Target: "/a\"\\\r\n10.0.0.8 - - \xe9?b=<c>", Agent: "\" 200 \x00\x7f", Status: 200, Bytes: 12,
		Outcome: gateway.OutcomeMirrored, Origin: "primary", Err: errors.New("broke\noff"),
		Began: time.Date(2026, 11, 24, 19, 23, 38, 5e8, time.UTC), FirstByte: time.Millisecond, Total: 1500 * time.Millisecond,
	}
}

// openLog is an access log in a new file.
func openLog(t *testing.T, format gateway.AccessFormat, log *slog.Logger) (*gateway.AccessLog, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "access.log")
	l, err := gateway.OpenAccessLog(name, format, log)
	if err != nil {
		t.Fatal(err)
	}
	return l, name
}

// runLog runs it until the test calls what it returns.
func runLog(t *testing.T, l *gateway.AccessLog) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAccessLogLines compares lines byte by byte.
func TestAccessLogLines(t *testing.T) {
	f := func(format gateway.AccessFormat, want string) {
		t.Helper()
		l, name := openLog(t, format, quiet())
		stop := runLog(t, l)
		l.Tell(hostile())
		stop()
		if got := read(t, name); got != want+"\n" {
			t.Errorf("%s: the line is\n%swant\n%s", format, got, want)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	f(gateway.AccessCombined, `10.0.0.7 - - [24/Nov/2026:19:23:40 +0000] `+
		`"GET /a\x22\x5C\x0D\x0A10.0.0.8 - - \xE9?b=<c> HTTP/1.1" 200 12 "-" "\x22 200 \x00\x7F"`)
	f(gateway.AccessJSON, `{"time":"2026-11-24T19:23:38.5Z","id":"0123","client":"10.0.0.7","method":"GET",`+
		`"host":"site.test","uri":"/a\"\\\r\n10.0.0.8 - - \ufffd?b=<c>","proto":"HTTP/1.1","status":200,"bytes":12,`+
		`"outcome":"mirrored","site":"site","rule":"","key":"a\"\n","origin":"primary","not_kept":"","first_byte":0.001,`+
		`"total":1.5,"error":"broke\noff","trace":"","referer":"","user_agent":"\" 200 \u0000`+"\x7f"+`"}`)
	f(gateway.AccessText, `time=2026-11-24T19:23:38.500Z id=0123 client=10.0.0.7 method=GET host=site.test `+
		`uri="/a\"\\\r\n10.0.0.8 - - \xe9?b=<c>" proto=HTTP/1.1 status=200 bytes=12 outcome=mirrored site=site rule="" `+
		`key="a\"\n" origin=primary not_kept="" first_byte=0.001 total=1.5 error="broke\noff" trace="" referer="" `+
		`user_agent="\" 200 \x00\x7f"`)
}

// TestAccessLogIsRead has the reader of logs that are replayed take what is written.
func TestAccessLogIsRead(t *testing.T) {
	f := func(format gateway.AccessFormat, host string) {
		t.Helper()
		l, name := openLog(t, format, quiet())
		stop := runLog(t, l)
		a := hostile()
		l.Tell(a)
		a.Target, a.Agent = `/b"\c?d=<e>&f`, `"x"`
		l.Tell(a)
		l.Tell(&gateway.Answered{Client: "10.0.0.7", Status: 400, Began: a.Began}) // could not be read
		stop()
		r, err := accesslog.NewReader(name, strings.NewReader(read(t, name)), accesslog.Auto)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Next()
		if err != nil || got.Line != 2 || got.Target != a.Target || got.Status != 200 || got.Method != "GET" || got.Host != host {
			t.Errorf("%s: %+v, %v", format, got, err)
		}
		if _, err = r.Next(); format == gateway.AccessCombined && err != io.EOF {
			t.Error(err)
		}
	}
	f(gateway.AccessCombined, "")
	f(gateway.AccessJSON, "site.test")
}

// TestAccessLogIsMovedAway rotates the file while lines are written, and waits for those that nothing pushes.
func TestAccessLogIsMovedAway(t *testing.T) {
	l, name := openLog(t, gateway.AccessText, quiet())
	stop := runLog(t, l)
	a, lines := hostile(), 0
	for n := range 5 {
		for range 1000 {
			l.Tell(a)
		}
		lines += 1000
		if err := os.Rename(name, fmt.Sprintf("%s.%d", name, n)); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	count := func() error {
		found, err := filepath.Glob(name + "*")
		if err != nil {
			return err
		}
		all := ""
		for _, one := range found {
			all += read(t, one)
		}
		if n := strings.Count(all, "id=0123"); n != lines || strings.Count(all, "\n") != lines || !strings.HasSuffix(all, "\n") {
			return fmt.Errorf("%d lines, want %d", n, lines)
		}
		return nil
	}
	eventually(t, count)
	l.Tell(a)
	lines++
	eventually(t, count)
	stop()
}

// TestAccessLogDrops tells of more than may wait while nothing is written.
func TestAccessLogDrops(t *testing.T) {
	var said bytes.Buffer
	l, name := openLog(t, gateway.AccessCombined, slog.New(slog.NewTextHandler(&said, nil)))
	a := hostile()
	a.Target = "/" + strings.Repeat("x", 1<<10)
	for range 8 << 10 {
		l.Tell(a)
	}
	runLog(t, l)()
	kept := read(t, name)
	lines := strings.Count(kept, "\n")
	if len(kept) > 4<<20 || len(kept) < 4<<20-2<<10 || !strings.HasSuffix(kept, "\"\n") {
		t.Errorf("%d bytes were kept, want 4 MiB", len(kept))
	}
	if want := fmt.Sprintf("lines=%d ", 8<<10-lines); !strings.Contains(said.String(), want) {
		t.Errorf("the log says %q, want %q", said.String(), want)
	}
}
