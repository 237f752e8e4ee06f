package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"mirrorgate/configs"
	"mirrorgate/test/harness"
)

// A directory may be another one at each gateway of a fleet, which is worth a word.
func TestFleetOfDirectories(t *testing.T) {
	f := func(fleet string, want int) {
		t.Helper()
		dir := t.TempDir()
		cfg, err := configs.Parse(fmt.Appendf(nil, `
server: {listen: %q}
admin: {listen: ""}
data_dir: %q
shared: {redis: %q}
sites: [{name: site, hosts: ["*"], bucket: {dir: %q}}]
`, harness.FreeAddr(t), filepath.Join(dir, "data"), fleet, filepath.Join(dir, "bucket")),
			func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		p, err := start(cfg, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(log.String(), "this directory must be the same"); got != want {
			t.Errorf("shared.redis %q: %d warnings, want %d: %s", fleet, got, want, log.String())
		}
		_ = p.ln.Close()
		_ = p.spool.Close()
	}
	f("", 0)
	f("redis://"+harness.FreeAddr(t), 1)
}
