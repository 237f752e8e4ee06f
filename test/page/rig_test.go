package page_test

import (
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
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the body of "+r.URL.Path)
	}))
	t.Cleanup(origin.Close)
	g := &gateway{origin: origin.URL, bucket: t.TempDir()}
	data, listen := t.TempDir(), harness.FreeAddr(t)
	bury(t, data)
	g.admin = "http://" + listen
	g.Gateway = harness.StartGateway(t, fmt.Sprintf(`
admin: {listen: %q, token: %q}
memory: {max_bytes: 16MiB}
sites:
- name: assets
  hosts: ["*"]
  bucket: {dir: %q}
  rules: [{id: docs, match: {prefix: docs/}, origin: {primary: %q}}]
`, listen, token, g.bucket, origin.URL), harness.WithDataDir(data))
	return g
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
	if err := os.Rename(records[0], strings.TrimSuffix(records[0], ".json")+".dead"); err != nil {
		t.Fatal(err)
	}
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
