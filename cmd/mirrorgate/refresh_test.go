package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// The command asks the running gateway, says what came of each key, and fails when one of them failed.
func TestRefresh(t *testing.T) {
	old, err := startSampleOrigin()
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	dir, listen := t.TempDir(), harness.FreeAddr(t)
	config := filepath.Join(dir, "m.yaml")
	text := fmt.Sprintf(`
server: {listen: %q}
admin: {listen: %q, token: a-token-of-the-tests}
data_dir: %q
sites:
- name: site
  hosts: ["*"]
  bucket: {dir: %q}
  rules: [{id: all, origin: {primary: %q}}]
`, listen, harness.FreeAddr(t), filepath.Join(dir, "data"), filepath.Join(dir, "bucket"), old.url)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan int, 1)
	go func() {
		served <- run(ctx, []string{"serve", "--config", config}, strings.NewReader(""), io.Discard, io.Discard)
	}()
	harness.Eventually(t, 20*time.Second, func() error {
		resp, err := http.Get("http://" + listen + "/a.txt")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		_, err = os.Stat(filepath.Join(dir, "bucket", "a.txt"))
		return err
	})
	code, stdout, stderr := program(t, "refresh", "--config", config, "a.txt")
	if code != 0 || stdout != "a.txt: unchanged\n" {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = program(t, "refresh", "--config", config, "a.txt", "none.txt")
	if code != 1 || !strings.Contains(stdout, "none.txt: failed: object not found\n") || !strings.Contains(stderr, "1 of 2 keys") {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = program(t, "refresh", "--config", config, "--site", "none", "a.txt")
	if code != 1 || stdout != "" || !strings.Contains(stderr, `site "none": there is no such thing`) {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
	stop()
	if code := <-served; code != 0 {
		t.Errorf("serve ended with %d", code)
	}
}
