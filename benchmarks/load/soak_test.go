package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// A line at each interval, and a summary that fits them.
func TestSoak(t *testing.T) {
	s := serve(t, hello)
	code, stdout, stderr := program(t, "soak", "--json", "--target", s.URL, "--urls", write(t, "/a\n/b\n/c\n"), "--rate", "100",
		"--duration", "500ms", "--every", "100ms")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	sum := int64(0)
	for _, line := range lines[:len(lines)-1] {
		sum += decoded[minute](t, line).Answered
	}
	all := decoded[report](t, lines[len(lines)-1])
	if code != 0 || all.Answered != 50 || s.count() != 50 || len(lines) < 4 || sum < 20 || sum > 50 {
		t.Errorf("exit status %d, %d in the lines\n%s%s", code, sum, stdout, stderr)
	}
}

// Ctrl-C ends the program with its summary; what is under way is answered, and counted.
func TestInterrupt(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-time.After(20 * time.Millisecond)
		hello(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "soak", "--json", "--target", s.URL, "--urls", write(t, "/a\n"), "--rate", "100", "--max-errors", "0")
	cmd.Env = append(os.Environ(), "LOAD_IS_THE_PROGRAM=1")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 30*time.Second, func() error {
		if n := s.count(); n < 20 {
			return fmt.Errorf("%d requests", n)
		}
		return nil
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s%s", err, out.String(), errs.String())
	}
	if r := decoded[report](t, out.String()); r.Answered < 20 || r.Answered != int64(s.count()) || r.Due != r.Answered {
		t.Errorf("%+v; the server was asked %d times", r, s.count())
	}
}

// A server that does not answer does not keep the program after an interrupt. What was given up is no error of it.
func TestInterruptGivesUp(t *testing.T) {
	hold, arrived := make(chan struct{}), make(chan struct{}, 5)
	s := serve(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-hold })
	t.Cleanup(func() { close(hold) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		<-arrived
		cancel()
	}()
	began := time.Now()
	code, stdout, stderr := programUntil(ctx, "replay", "--json", "--target", s.URL, "--urls", write(t, "/a\n/a\n"), "--rate", "50",
		"--connections", "2", "--max-errors", "0", "--timeout", "1h")
	var r report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err, stderr)
	}
	if code != 0 || r.Failures[string(interrupted)].Count != 2 || time.Since(began) < grace || time.Since(began) > grace+20*time.Second {
		t.Errorf("exit status %d after %v: %+v", code, time.Since(began), r)
	}
}
