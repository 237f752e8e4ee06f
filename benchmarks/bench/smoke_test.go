package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"mirrorgate/test/harness"
)

// The whole program, as make bench runs it, with the case that needs no more than what the tests need anyway: the
// backend passes the gateway's probe, the servers pass the checks, each is asked for a second, and the tables are written.
func TestBench(t *testing.T) {
	harness.Binary(t, "nginx")
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, readme := filepath.Join(dir, "bench"), filepath.Join(dir, "README.md")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bench := exec.CommandContext(t.Context(), program, "-cases", "steady-bucket-1KiB", "-rate", "200", "-seconds", "1", "-pairs", "1",
		"-readme", readme, "-root", root)
	if out, err := bench.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mirrorgate", "nginx proxy_pass", "bare fasthttp"} {
		line := regexp.MustCompile(`(?m)^\| steady-bucket-1KiB \| ` + name + ` \| 200 \|( [1-9]\d* \(\d+ to \d+\) \|){3} [^|]* \| 1 \| \S+Z \|$`)
		if !line.Match(text) {
			t.Errorf("no figures of %s in\n%s", name, text)
		}
	}
}
