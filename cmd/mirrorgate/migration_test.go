package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

// migrating runs a gateway with one site and these rules on a folder that stays, until stop is called.
func migrating(t *testing.T, dir, rules string) (config, url string, stop func()) {
	t.Helper()
	config = filepath.Join(dir, "m.yaml")
	listen := harness.FreeAddr(t)
	text := fmt.Sprintf(`
server: {listen: %q}
admin: {listen: %q}
data_dir: %q
sites: [{name: site, hosts: ["*"], bucket: {dir: %q}, rules: [%s]}]
`, listen, harness.FreeAddr(t), filepath.Join(dir, "data"), filepath.Join(dir, "bucket"), rules)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan int, 1)
	go func() {
		served <- run(ctx, []string{"serve", "--config", config}, strings.NewReader(""), io.Discard, io.Discard)
	}()
	harness.Eventually(t, 20*time.Second, func() error {
		resp, err := http.Get("http://" + listen + harness.HealthPath)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s", resp.Status)
		}
		return nil
	})
	return config, "http://" + listen, func() { cancel(); <-served }
}

func fetch(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}

// The command prints what the gateway says, the sentence first; a rule that is no more in the configuration is shown
// as such, with its numbers, as long as they are of this week.
func TestMigrationCommand(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "missing") {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "of the origin")
	}))
	defer old.Close()
	dir := t.TempDir()
	rule := fmt.Sprintf(`{id: %%s, match: {prefix: %%s}, origin: {primary: %q}}`, old.URL)
	config, url, stop := migrating(t, dir, fmt.Sprintf(rule, "images", "images/")+", "+fmt.Sprintf(rule, "docs", "docs/"))
	for _, path := range []string{"/images/a", "/images/b", "/images/missing", "/docs/a", "/nothing"} {
		fetch(t, url+path)
	}
	const sentence = "60 % of requests still need the old origin: 3 of 5 in the last "
	wantPrinted(t, config, sentence, "\nsite site: "+sentence, "images", "docs", "(no rule)", "needs it: /images/ (about 2)")
	stop()

	config, _, stop = migrating(t, dir, fmt.Sprintf(rule, "images", "images/"))
	defer stop()
	code, stdout, stderr := program(t, "migration", "--config", config, "--json")
	var shown admin.Migration
	if err := json.Unmarshal([]byte(stdout), &shown); err != nil || code != exitFine {
		t.Fatalf("exit code %d: %v %s", code, err, stderr)
	}
	var states []string
	for _, r := range shown.Sites[0].Rules {
		states = append(states, fmt.Sprint(r.Rule, " ", r.State, " ", r.Spans[0].Requests, " ", r.Spans[0].Vain, " ", r.Spans[3].Saved))
	}
	if got := strings.Join(states, ", "); got != "images active 3 1 2, docs removed 1 0 1,  active 1 0 0" || len(shown.Gateway) != 32 {
		t.Errorf("gateway %q: %s", shown.Gateway, got)
	}
}

func wantPrinted(t *testing.T, config string, want ...string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		code, stdout, stderr := program(t, "migration", "--config", config)
		for _, w := range want {
			if code != exitFine || !strings.Contains(stdout, w) || !strings.HasPrefix(stdout, want[0]) {
				return fmt.Errorf("exit code %d, %q is not in\n%s%s", code, w, stdout, stderr)
			}
		}
		return nil
	})
}

func TestMigrationCommandWithoutGateway(t *testing.T) {
	config := filepath.Join(t.TempDir(), "m.yaml")
	f := func(code int, listen string) {
		t.Helper()
		text := fmt.Sprintf("admin: {listen: %q}\nsites: [{name: site, hosts: [\"*\"], bucket: {dir: b}}]\n", listen)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, stdout, stderr := program(t, "migration", "--config", config)
		if got != code || stdout != "" || !strings.Contains(stderr, "admin") {
			t.Errorf("exit code %d, want %d: %s%s", got, code, stdout, stderr)
		}
	}
	f(exitFailed, harness.FreeAddr(t))
	f(exitUsage, "")
}
