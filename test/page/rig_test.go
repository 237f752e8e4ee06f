package page_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/writeback"
	"mirrorgate/gateway/migration"
	"mirrorgate/test/harness"
)

const token = "a-token-of-the-tests"

// hostile is a key that wants to be more than text, and shown is how the page shows it.
const (
	hostile = `docs/<img src=x onerror=alert(1)>` + "\u202egpj.exe"
	shown   = `docs/<img src=x onerror=alert(1)>\u202egpj.exe`
)

// gateway is a running gateway with one site before a directory, one rule, and an object that could not be saved.
type gateway struct {
	*harness.Gateway
	admin, origin, bucket string
}

func start(t *testing.T) *gateway {
	t.Helper()
	origin, broken := httptest.NewServer(http.HandlerFunc(answer)), httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(origin.Close)
	t.Cleanup(broken.Close)
	g := &gateway{origin: origin.URL, bucket: t.TempDir()}
	data, listen := t.TempDir(), harness.FreeAddr(t)
	bury(t, data)
	remember(t, data)
	g.admin = "http://" + listen
	g.Gateway = harness.StartGateway(t, fmt.Sprintf(`
admin: {listen: %q, token: %q}
memory: {max_bytes: 16MiB}
sites:
- name: assets
  hosts: ["*"]
  bucket: {dir: %q}
  rules:
  - {id: docs, match: {prefix: docs/}, origin: {primary: %q}}
  - {id: broken, match: {prefix: broken/}, origin: {primary: %q}}
  - {id: elsewhere, match: {prefix: elsewhere/}, mode: redirect, redirect: {store: false}, origin: {primary: %q}}
  - {id: private, match: {prefix: private/}, mode: deny}
`, listen, token, g.bucket, origin.URL, broken.URL, origin.URL), harness.WithDataDir(data))
	return g
}

// answer is what the origins do.
func answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/broken/"):
		w.WriteHeader(http.StatusInternalServerError)
	case strings.HasPrefix(r.URL.Path, "/docs/absent-"):
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = io.WriteString(w, "the body of "+r.URL.Path)
	}
}

// overtake changes the rules over the API, as somebody else who is quicker.
func (g *gateway) overtake(t *testing.T) {
	t.Helper()
	const at = "/api/v1/sites/assets/rules"
	now, err := http.Get(g.admin + at)
	if err != nil {
		t.Fatal(err)
	}
	defer now.Body.Close()
	theirs := strings.NewReader(fmt.Sprintf(`[{"id": "theirs", "match": {"prefix": "docs/"}, "origin": {"primary": %q}}]`, g.origin))
	put, err := http.NewRequest(http.MethodPut, g.admin+at, theirs)
	if err != nil {
		t.Fatal(err)
	}
	put.Header.Set("Content-Type", "application/json")
	put.Header.Set("Authorization", "Bearer "+token)
	put.Header.Set("If-Match", now.Header.Get("Etag"))
	done, err := http.DefaultClient.Do(put)
	if err != nil {
		t.Fatal(err)
	}
	defer done.Body.Close()
	if done.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(done.Body)
		t.Fatalf("PUT %s: %s %s", at, done.Status, body)
	}
}

// bury leaves an object in a spool that was pulled by a gateway that ran earlier, and that the bucket has refused.
func bury(t *testing.T, data string) {
	t.Helper()
	s, err := writeback.OpenSpool(data, writeback.DefaultSpoolConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := commit(s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob(filepath.Join(data, "spool", "pending", "assets", "*", "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records %q: %v", records, err)
	}
	if err := die(records[0]); err != nil {
		t.Fatal(err)
	}
}

// die makes the record of what waits that of what was given up.
func die(path string) error {
	var record map[string]any
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &record)
	}
	if err != nil {
		return err
	}
	record["Attempts"], record["Error"], record["Died"] = 3, "the bucket does not like "+hostile, time.Now()
	raw, err = json.Marshal(record)
	if err != nil {
		return err
	}
	dead := strings.TrimSuffix(path, ".json") + ".dead"
	return errors.Join(os.WriteFile(dead, raw, 0o600), os.Remove(path))
}

// remember leaves the books of a gateway that ran three hours ago and needed the origin for one key.
func remember(t *testing.T, data string) {
	t.Helper()
	const times = 50
	docs := migration.ID{Site: "assets", Rule: "docs"}
	then := time.Now().Add(-3*time.Hour - time.Minute)
	var counted migration.Numbers
	counted[migration.Requests], counted[migration.Needed] = times, times
	ledger := migration.Open(migration.Options{
		Dir: data, Now: func() time.Time { return then }, Log: slog.New(slog.DiscardHandler),
		Counts: func() []migration.Count { return []migration.Count{{ID: docs, Numbers: counted}} },
	})
	for range times {
		ledger.Note(migration.Event{ID: docs, Kind: migration.NeededIt, Key: hostile})
	}
	ledger.Save()
}

func commit(s *writeback.Spool) error {
	const body = "pulled before"
	d, err := s.Create(int64(len(body)))
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := io.WriteString(d, body); err != nil {
		return err
	}
	from := cache.Provenance{Size: int64(len(body)), Rule: "docs", Time: time.Now()}
	return d.Commit(cache.Entry{
		ID: cache.ID{Site: "assets", Key: hostile}, Meta: cache.Meta{Size: int64(len(body)), Origin: from},
	})
}
