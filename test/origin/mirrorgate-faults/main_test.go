package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/origin"
)

func TestServes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"-listen", "127.0.0.1:0"}, in, io.Discard)
		in.Close()
	}()
	url, lines := "", bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		_, url, _ = strings.Cut(lines.Text(), "listening on ")
	}
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/~status-418/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(get)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTeapot {
		t.Errorf("status %d", answer.StatusCode)
	}
	cancel()
	_, _ = io.Copy(io.Discard, out)
	if c := <-code; c != 0 {
		t.Errorf("exit code %d", c)
	}
}

func TestListsAndRefuses(t *testing.T) {
	f := func(want int, args ...string) string {
		t.Helper()
		var out, problems strings.Builder
		if code := run(t.Context(), args, &out, &problems); code != want {
			t.Errorf("%q: exit code %d, not %d: %s", args, code, want, problems.String())
		}
		return out.String()
	}
	list := f(0, "-list")
	for _, fault := range origin.Faults() {
		if !strings.Contains(list, "/~"+fault.Name+"/") {
			t.Errorf("%s is not in the list", fault.Name)
		}
	}
	f(0, "-h")
	f(2, "-nothing")
	f(2, "more")
	f(1, "-listen", "256.0.0.1:1")
}
