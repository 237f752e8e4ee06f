package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"mirrorgate/test/harness"
)

func TestReadmeKeepsOtherParts(t *testing.T) {
	const before, after = "# Benchmarks\n\n<!-- drain -->\nsomething\n<!-- end of drain -->\n", "\n## More\n"
	first := merged(before, "old\n")
	if want := before + "\n" + begin + "old\n" + end; first != want {
		t.Errorf("got\n%s\nwant\n%s", first, want)
	}
	if got, want := merged(first+after, "new\n"), before+"\n"+begin+"new\n"+end+after; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The whole program in its short form: every step is done, every member is there, and each figure is one.
func TestFleet(t *testing.T) {
	readme := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte("# Benchmarks\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "fleet")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fleet := exec.CommandContext(t.Context(), program, "-short", "-readme", readme,
		"-redis", harness.Binary(t, "redis-server"))
	if out, err := fleet.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const number, spread = ` [1-9][\d.]*[kM]? \|`, ` \d+\.\d \(\d+\.\d to \d+\.\d\) \|`
	f := func(row string) {
		t.Helper()
		if !regexp.MustCompile(`(?m)^\| ` + row + `$`).Match(text) {
			t.Errorf("no row %s in\n%s", row, text)
		}
	}
	for _, name := range []string{"claim", "claim of what another has", "renewal", "commit", "absent"} {
		f(name + ` \|` + spread + ` [1-9][\d.]*[kM]?/s \|` + number + ` \d+ \|`)
	}
	f(`save, alone, told to 20 \| [1-9][\d.]* \| [1-9][\d.]*[kM]?/s \|` + number + number)
	f(`save, one of many, told to 20 \| [1-9][\d.]* \| [1-9][\d.]*[kM]?/s \|` + number + number)
	for _, note := range []string{"lease of a key", "intent", "an absent object", "a gateway, with its connections"} {
		f(note + ` \|` + number + `.*`)
	}
	f(`3 \|` + number + number + number + ` its core \| [\d.]+k?/s \| 250/s \|` + number + number + ` .* (days|h) \|`)
}
