package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrorgate/configs"
)

func TestCheck(t *testing.T) {
	f := func(name, text string, code int, wantOut, wantErr string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr strings.Builder
		if got := check(path, &stdout, &stderr); got != code {
			t.Errorf("%s: exit code %d, want %d", name, got, code)
		}
		gotOut, gotErr := strings.ReplaceAll(stdout.String(), path, name), strings.ReplaceAll(stderr.String(), path, name)
		if gotOut != wantOut || gotErr != wantErr {
			t.Errorf("%s: got\n%s%s\nwant\n%s%s", name, gotOut, gotErr, wantOut, wantErr)
		}
	}
	f("quick.yaml", string(configs.Quickstart), 0, "quick.yaml: fine: 1 site, 1 rule\n", "")
	f("example.yaml", string(configs.Example), 0, "example.yaml: fine: 2 sites, 3 rules\n", "")
	f("bad.yaml", "log: {level: x}\nsiets: []\n", 2, "",
		"bad.yaml: log.level: \"x\" is not one of debug, info, warn, error (line 1)\n"+
			"bad.yaml: sites: none is given: a gateway needs at least one site with its hosts and bucket (line 1)\n"+
			"bad.yaml: siets: unknown field; did you mean \"sites\"? (line 2)\n")
	f("absent.yaml", "", 2, "", "absent.yaml: read the configuration: open absent.yaml: no such file or directory\n")
}
