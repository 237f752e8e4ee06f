package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

const apiToken = "a-token-of-the-tests"

// described is a real gateway whose answers are held against the document that it hands out itself.
type described struct {
	*harness.Gateway
	base string
	doc  *harness.OpenAPI
	etag string // of the last answer that had one
}

func describe(t *testing.T) *described {
	t.Helper()
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
	return &described{Gateway: g, base: base, doc: harness.NewOpenAPI(t, read(t, base+"/api/v1/openapi.json"))}
}

// try asks for an operation, METHOD PATH under /api/v1, with the last ETag.
func (d *described) try(t *testing.T, op, query, body string, status int, want string) {
	t.Helper()
	d.from(t, d.etag, op, query, body, status, want)
}

// from asks with another ETag.
func (d *described) from(t *testing.T, etag, op, query, body string, status int, want string) {
	t.Helper()
	method, path, _ := strings.Cut(op, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, d.base+"/api/v1"+path+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apiToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if etag != "" {
		r.Header.Set("If-Match", etag)
	}
	_, answered, text, _ := d.doc.Exchange(t, r, body)
	if answered != status || !strings.Contains(text, want) {
		t.Errorf("%s%s %.80s: %d, %.400s, want %d and %s", op, query, body, answered, text, status, want)
	}
	var tagged struct{ ETag string }
	if json.Unmarshal([]byte(text), &tagged) == nil && tagged.ETag != "" {
		d.etag = `"` + tagged.ETag + `"`
	}
}

// The API of a real gateway answers as the document says that it hands out itself.
func TestAPIIsAsDescribed(t *testing.T) {
	d := describe(t)
	f := func(op, query, body string, status int, want string) {
		t.Helper()
		d.try(t, op, query, body, status, want)
	}
	f("GET /config", "", "", 200, `"token":"***"`)
	f("GET /log", "", "", 200, "info")
	f("PUT /log", "", `{"level": "debug"}`, 200, "debug")
	f("PUT /log", "", `{"level": "loud"}`, 422, `"path":"level"`)
	f("POST /pull", "", `{"site": "site", "keys": ["a.txt", ".mirrorgate/x"]}`, 200, `{"key":"a.txt","outcome":"pulled"}`)
	f("POST /pull", "", `{"site": "site", "keys": ["a.txt"]}`, 200, "present")
	f("GET /explain", "?url=http://h/a.txt", "", 200, `"rule":"all"`)
	f("GET /explain", "?url=h", "", 400, "must begin with")
	f("POST /trial", "", `{"url": "http://h/a.txt"}`, 200, `"sha256"`)
	f("POST /trial", "", `{"url": "http://h/a b"}`, 422, `"path":"url"`)
	f("GET /origins", "", "", 200, `"state":"up"`)
	f("POST /origins/drain", "", `{"site": "site", "rule": "all", "target": "primary"}`, 200, "draining")
	f("POST /trial", "", `{"url": "http://h/b.txt"}`, 200, "detail=backup")
	f("POST /origins/pause", "", `{"site": "site", "rule": "all"}`, 200, "paused")
	f("POST /trial", "", `{"url": "http://h/c.txt"}`, 200, `"status":503`)
	f("POST /origins/resume", "", `{"site": "site", "rule": "all"}`, 200, `"state":"up"`)
	f("POST /origins/resume", "", `{"site": "site", "rule": "none"}`, 404, "no such thing")
	f("POST /purge", "", `{"site": "site", "prefix": ""}`, 200, "dropped")
	f("POST /purge", "", `{"site": "none", "prefix": ""}`, 404, "no such thing")
	f("POST /refresh", "", `{"site": "site", "keys": ["none"]}`, 200, "not found")
	f("POST /refresh", "", `{"site": "none", "keys": ["a.txt"]}`, 404, "no such thing")
	f("POST /pull", "", `{"site": "none", "keys": ["a.txt"]}`, 404, "no such thing")
	f("GET /queue", "", "", 200, `"summary"`)
	f("POST /queue/retry", "", `{"all": true}`, 200, "retried")
	f("POST /queue/pause", "", "", 200, "true")
	f("POST /queue/resume", "", "", 200, "false")
	f("GET /members", "", "", 404, "on its own")
	d.WriteConfig(t, "log: {level: loud}\nsites: []\n")
	f("POST /reload", "", "", 422, `"path":"log.level"`)
	f("POST /reload", "", `{"x": 1}`, 400, "x")
}

// What is changed of a site over the API is, and what cannot be is refused, as described.
func TestAPIOfSitesIsAsDescribed(t *testing.T) {
	d := describe(t)
	f := func(op, query, body string, status int, want string) {
		t.Helper()
		d.try(t, op, query, body, status, want)
	}
	f("GET /sites", "", "", 200, `"name":"site"`)
	f("GET /sites/none", "", "", 404, "no such thing")
	f("PATCH /sites/site", "", `{"save": false}`, 428, "If-Match is missing")
	f("GET /sites/site", "", "", 200, `"from_api":[]`)
	first := d.etag
	f("GET /sites/site/rules", "", "", 200, `"source":"file"`)
	f("PATCH /sites/site", "", `{"save": false, "serve": "origin"}`, 200, `"from_api":["serve","save"]`)
	d.from(t, first, "PATCH /sites/site", "", `{"save": true}`, 412, "changed meanwhile")
	f("PATCH /sites/site", "", `{"serve": "nowhere"}`, 422, `"path":"serve"`)
	f("PATCH /sites/site", "", `{"sav": true}`, 400, "sav")
	f("PATCH /sites/site/rules/all", "", `{"state": "retired"}`, 200, `"rules.all.state"`)
	f("PATCH /sites/site/rules/all", "", `{"state": "asleep"}`, 422, `"path":"rules[0].state"`)
	f("PATCH /sites/site/rules/none", "", `{"enabled": true}`, 404, "no such thing")
	f("DELETE /sites/site/switches", "", "", 200, `"from_api":["rules.all.state"]`)
	rules := `[{"id": "img", "match": {"prefix": "img/"}, "origin": {"primary": "http://127.0.0.1:1"}}]`
	f("PUT /sites/site/rules", "?dry_run=true", rules, 200, `"applied":false`)
	f("PUT /sites/site/rules", "?dry_run=maybe", rules, 400, "dry_run")
	f("PUT /sites/site/rules", "", rules, 200, `"what":"added"`)
	f("PUT /sites/site/rules", "", `{"rules": [`, 422, `"mistakes"`)
	f("PUT /sites/site/rules", "", `{"rules": [{"id": "a b", "mod": 1}]}`, 422, `"path":"rules[0].mod"`)
	f("PUT /sites/site/rules", "", strings.Repeat(" ", 1<<20)+rules, 413, "more than")
	d.from(t, first, "DELETE /sites/site/rules", "", "", 412, "changed meanwhile")
	f("GET /sites/site/rules", "", "", 200, `"source":"api"`)
	f("DELETE /sites/site/rules", "", "", 200, `"what":"removed"`)
	f("GET /sites/site", "", "", 200, `"from_api":[]`)
	if d.etag != first {
		t.Errorf("taken back, the site is %s and not %s", d.etag, first)
	}
}

// What a real gateway counts is told as described, before there is anything to count and after.
func TestAPIOfCountsIsAsDescribed(t *testing.T) {
	d := describe(t)
	f := func(op, query, body string, status int, want string) {
		t.Helper()
		d.try(t, op, query, body, status, want)
	}
	f("GET /overview", "", "", 200, `"read_only":false`)
	f("GET /migration", "", "", 200, `"sentence"`)
	f("GET /migration/history", "", "", 200, `"step":"hour"`)
	for range 2 {
		f("POST /trial", "", `{"url": "http://h/a.txt"}`, 200, `"status":200`)
	}
	f("GET /overview", "", "", 200, `"outcome":"mirrored"`)
	f("GET /migration", "", "", 200, `"last_needed_key":"a.txt"`)
	f("GET /migration/history", "?site=site&rule=all&step=minute", "", 200, `"needed":1`)
	f("GET /migration/history", "?site=none", "", 404, "no such thing")
	f("GET /migration/history", "?step=week", "", 400, "step must be")
	const told = `{"objects": 10, "bytes": 100, "copied": 3, "copied_bytes": 30}`
	f("PUT /migration/inventory/site", "", told, 200, `"left"`)
	f("PUT /migration/inventory/none", "", told, 404, "no such thing")
	f("PUT /migration/inventory/site", "", strings.Replace(told, "3", "11", 1), 422, `"path":"copied"`)
	f("PUT /migration/inventory/site", "", `{"object": 1}`, 400, "object")
	f("PUT /migration/inventory/site", "", "null", 200, `"site":"site"`)
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
