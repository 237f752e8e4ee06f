package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/writeback"
	"mirrorgate/gateway/admin"
	"mirrorgate/test/harness"
)

const queueToken = "a-token-of-the-tests"

// queueRig is a configuration with one site before a directory, and what there is of it.
type queueRig struct {
	config, data, bucket, listen, admin string
}

// newQueueRig writes the configuration. settings is its admin section; in it %q stands for a free address.
func newQueueRig(t *testing.T, origin, settings string) *queueRig {
	t.Helper()
	dir := t.TempDir()
	r := &queueRig{
		config: filepath.Join(dir, "m.yaml"), data: filepath.Join(dir, "data"), bucket: filepath.Join(dir, "bucket"),
		listen: harness.FreeAddr(t), admin: harness.FreeAddr(t),
	}
	r.write(t, origin, settings)
	return r
}

func (r *queueRig) write(t *testing.T, origin, settings string) {
	t.Helper()
	text := fmt.Sprintf(`
server: {listen: %q, grace: 10s}
admin: {%s}
data_dir: %q
sites:
- name: site
  hosts: ["*"]
  bucket: {dir: %q}
  rules: [{id: all, origin: {primary: %q}}]
`, r.listen, strings.ReplaceAll(settings, "%q", `"`+r.admin+`"`), r.data, r.bucket, origin)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// steered is the admin section with which everything may be asked.
const steered = "listen: %q, token: " + queueToken

// fill commits objects to the spool, as pulls of a gateway that ran earlier.
func (r *queueRig) fill(t *testing.T, keys ...string) {
	t.Helper()
	s, err := writeback.OpenSpool(r.data, writeback.DefaultSpoolConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := commit(s, key); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// commit puts an object into a spool whose body is its key.
func commit(s *writeback.Spool, key string) error {
	size := int64(len(key))
	d, err := s.Create(size)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := io.WriteString(d, key); err != nil {
		return err
	}
	return d.Commit(cache.Entry{
		ID:   cache.ID{Site: "site", Key: key},
		Meta: cache.Meta{Size: size, Origin: cache.Provenance{Size: size, Rule: "all", Time: time.Now()}},
	})
}

// bury makes the waiting entry of a key a dead one, while nothing runs.
func (r *queueRig) bury(t *testing.T, key string) {
	t.Helper()
	record := filepath.Join(r.data, "spool", "pending", "site", r.id(t, key)[:2], r.id(t, key))
	if err := os.Rename(record+".json", record+".dead"); err != nil {
		t.Fatal(err)
	}
}

// queue runs a command of the queue.
func (r *queueRig) queue(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return program(t, append([]string{"queue", args[0], "--config", r.config}, args[1:]...)...)
}

// ls lists for scripts.
func (r *queueRig) ls(t *testing.T, args ...string) admin.QueuePage {
	t.Helper()
	code, stdout, stderr := r.queue(t, append([]string{"ls", "--json"}, args...)...)
	var page admin.QueuePage
	if err := json.Unmarshal([]byte(stdout), &page); err != nil || code != 0 || stderr != "" {
		t.Fatalf("queue ls %q: %d, %v, %.300s%s", args, code, err, stdout, stderr)
	}
	return page
}

// id is the ID of a key's entry.
func (r *queueRig) id(t *testing.T, key string) string {
	t.Helper()
	for _, item := range r.ls(t).Items {
		if item.Key == key {
			return item.ID
		}
	}
	t.Fatalf("%q is not in the queue", key)
	return ""
}

func keysOf(items []admin.QueueItem) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}

// wantQueue runs a command, and fails the test unless it ends so.
func (r *queueRig) wantQueue(t *testing.T, code int, wantOut, wantErr string, args ...string) {
	t.Helper()
	got, stdout, stderr := r.queue(t, args...)
	if got != code || stdout != wantOut || !strings.Contains(stderr, wantErr) || wantErr == "" && stderr != "" {
		t.Errorf("queue %.200q: %d, %.300q, %q, want %d, %.300q, %q", args, got, stdout, stderr, code, wantOut, wantErr)
	}
}

// serve runs the gateway until the test ends, or stop is called.
func (r *queueRig) serve(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan int, 1)
	var log strings.Builder
	go func() {
		served <- run(ctx, []string{"serve", "--config", r.config}, strings.NewReader(""), io.Discard, &log)
	}()
	ended := false
	stop = func() {
		cancel()
		if ended {
			return
		}
		ended = true
		if code := <-served; code != 0 {
			t.Errorf("serve ended with %d: %s", code, log.String())
		}
	}
	t.Cleanup(stop)
	harness.Eventually(t, 20*time.Second, func() error {
		resp, err := http.Get("http://" + r.listen + harness.HealthPath)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health is %d", resp.StatusCode)
		}
		return nil
	})
	return stop
}

// get asks the gateway for an object, which must be there.
func (r *queueRig) get(t *testing.T, key string) {
	t.Helper()
	resp, err := http.Get("http://" + r.listen + "/" + key)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != key {
		t.Fatalf("%s: %d, %v, %.100q", key, resp.StatusCode, err, body)
	}
}

// waitSaved waits until the bucket has the object of a key.
func (r *queueRig) waitSaved(t *testing.T, key string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func() error {
		got, err := os.ReadFile(filepath.Join(r.bucket, key))
		if err == nil && string(got) != key {
			t.Fatalf("%s in the bucket is %.100q", key, got)
		}
		return err
	})
}
