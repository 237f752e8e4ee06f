package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

const apiToken = "a-token-of-the-tests"

// The API of a real gateway answers as the document says that it hands out itself.
func TestAPIIsAsDescribed(t *testing.T) {
	old, listen := startOrigin(t, echo), harness.FreeAddr(t)
	g := harness.StartGateway(t, fmt.Sprintf(`
admin: {listen: %q, token: %s}
sites:
- name: site
  hosts: ["*"]
  bucket: {dir: %q}
  rules: [{id: all, origin: {primary: %q, backup: %q}}]
`, listen, apiToken, t.TempDir(), old.url, old.url))
	base := "http://" + listen
	doc := harness.NewOpenAPI(t, read(t, base+"/api/v1/openapi.json"))
	f := func(op, query, body string, status int, want string) {
		t.Helper()
		method, path, _ := strings.Cut(op, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, base+path+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+apiToken)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		got, answered, text, _ := doc.Exchange(t, r, body)
		if got != op || answered != status || !strings.Contains(text, want) {
			t.Errorf("%s%s %s: %d, %.300s, want %d and %s", op, query, body, answered, text, status, want)
		}
	}
	const api = "/api/v1"
	f("GET /health", "", "", 200, "ready")
	f("GET /metrics", "", "", 200, "target_info")
	f("GET "+api+"/config", "", "", 200, `"token":"***"`)
	f("GET "+api+"/log", "", "", 200, "info")
	f("PUT "+api+"/log", "", `{"level": "debug"}`, 200, "debug")
	f("PUT "+api+"/log", "", `{"level": "loud"}`, 422, `"path":"level"`)
	f("POST "+api+"/pull", "", `{"site": "site", "keys": ["a.txt", ".mirrorgate/x"]}`, 200, `{"key":"a.txt","outcome":"pulled"}`)
	f("POST "+api+"/pull", "", `{"site": "site", "keys": ["a.txt"]}`, 200, "present")
	f("GET "+api+"/explain", "?url=http://h/a.txt", "", 200, `"rule":"all"`)
	f("GET "+api+"/explain", "?url=h", "", 400, "must begin with")
	f("POST "+api+"/trial", "", `{"url": "http://h/a.txt"}`, 200, `"sha256"`)
	f("POST "+api+"/trial", "", `{"url": "http://h/a b"}`, 422, `"path":"url"`)
	f("GET "+api+"/origins", "", "", 200, `"state":"up"`)
	f("POST "+api+"/origins/drain", "", `{"site": "site", "rule": "all", "target": "primary"}`, 200, "draining")
	f("POST "+api+"/trial", "", `{"url": "http://h/b.txt"}`, 200, "detail=backup")
	f("POST "+api+"/origins/pause", "", `{"site": "site", "rule": "all"}`, 200, "paused")
	f("POST "+api+"/trial", "", `{"url": "http://h/c.txt"}`, 200, `"status":503`)
	f("POST "+api+"/origins/resume", "", `{"site": "site", "rule": "all"}`, 200, `"state":"up"`)
	f("POST "+api+"/origins/resume", "", `{"site": "site", "rule": "none"}`, 404, "no such thing")
	f("POST "+api+"/purge", "", `{"site": "site", "prefix": ""}`, 200, "dropped")
	f("POST "+api+"/purge", "", `{"site": "none", "prefix": ""}`, 404, "no such thing")
	f("POST "+api+"/refresh", "", `{"site": "site", "keys": ["none"]}`, 200, "not found")
	f("GET "+api+"/queue", "", "", 200, `"summary"`)
	f("POST "+api+"/queue/retry", "", `{"all": true}`, 200, "retried")
	f("POST "+api+"/queue/pause", "", "", 200, "true")
	f("POST "+api+"/queue/resume", "", "", 200, "false")
	f("GET "+api+"/members", "", "", 404, "on its own")
	g.WriteConfig(t, "log: {level: loud}\nsites: []\n")
	f("POST "+api+"/reload", "", "", 422, `"path":"log.level"`)
	f("POST "+api+"/reload", "", `{"x": 1}`, 400, "x")
}

// read gets a document with the token.
func read(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
	}
	return raw
}
