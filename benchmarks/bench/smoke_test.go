package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"mirrorgate/test/harness"
)

// The whole program, as make bench runs it, with the cases that need no more than what the tests need anyway, and few
// clients and objects: the backend passes the gateway's probe, the servers pass the checks, each is asked, and the
// tables are written.
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
	bench := exec.CommandContext(t.Context(), program, "-cases", "steady-bucket miss-64KiB fill-10KiB herd idle slow startup",
		"-rate", "200", "-seconds", "1", "-pairs", "1", "-portion", "0.01", "-readme", readme, "-root", root)
	if out, err := bench.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const number, ratio = ` \d+(?:\.\d+)? \|`, ` \d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\) \|`
	f := func(start, rest string) {
		t.Helper()
		if !regexp.MustCompile(`(?m)^\| ` + start + ` \|` + rest + ` \S+Z \|$`).Match(text) {
			t.Errorf("no figures of %s in\n%s", start, text)
		}
	}
	for _, name := range []string{"mirrorgate", "nginx proxy_pass", "bare fasthttp"} {
		f(`steady-bucket-1KiB \| `+name, ` 200 \|( [1-9]\d* \(\d+ to \d+\) \|){3} [^|]* \| 1 \|`)
		f(`idle-10000 \| `+name, ` 100 \|`+number+number+` -?[\d.]+ \| [^|]*\| -?[\d.]+ \| -?\d+ \|`)
	}
	f(`miss-64KiB \| the origin itself`, number+number+`  \|  \|`+number+number+` 5 \|`)
	f(`miss-64KiB \| mirrorgate`, number+number+` -?[\d.]+ \| 1.00, (met|missed) \|`+number+number+` 5 \|`)
	f(`fill-10KiB \| nginx proxy_store`, number+number+ratio+` none \|`+number+number+ratio+number+number+
		` (?:\S+ \(\S+ to \S+\)) \| 100 \| 1 \|`)
	f(`herd-10MiB \| mirrorgate`, ` 10 \| 1 \(1 to 1\) \| 1.00, met \|`+ratio+ratio+` [1-9]\d* \| 1 \|`)
	f(`slow-2000 \| mirrorgate`, ` 20 \|`+number+number+` -?[\d.]+ \| 150.00, (met|missed), MiB \| -?[\d.]+ \| -?\d+ \|`)
	f(`startup-empty \| nginx proxy_pass`, ` [1-9]\d* \(\d+ to \d+\) \| \d+ \(\d+ to \d+\) \|`+ratio+` 1 \|`)
}
