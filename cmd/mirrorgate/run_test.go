package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/gateway/admin"
)

// program runs the program to its end, with nothing on its stdin.
func program(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return programWith(t, "", args...)
}

// programWith runs the program to its end, with this on its stdin.
func programWith(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs strings.Builder
	code = run(ctx, args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	f := func(code int, wantOut, wantErr string, args ...string) {
		t.Helper()
		got, stdout, stderr := program(t, args...)
		if got != code || !strings.Contains(stdout, wantOut) || !strings.Contains(stderr, wantErr) {
			t.Errorf("%q: got %d, %q, %q, want %d, %q, %q", args, got, stdout, stderr, code, wantOut, wantErr)
		}
	}
	f(0, "mirrorgate ", "", "version")
	f(0, "Usage: mirrorgate <command>", "", "--help")
	f(0, "Usage: mirrorgate <command>", "")
	f(2, "", "unexpected argument", "no-such-command")
	f(2, "", "needs --config FILE, or --origin URL", "serve")
	f(2, "", "no such file", "explain", "--config", "no-such.yaml", "http://a/b")
	f(2, "", "must begin with http://", "explain", "--config", configFile(t), "a/b")
	f(2, "", "must be 'Name: value'", "explain", "--config", configFile(t), "-H", "x", "http://a/b")
}

// The demo is the first thing that people see: it must show a miss, a hit, and each mode, and leave nothing behind.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	code, stdout, stderr := program(t, "demo", "--once", "--listen", "127.0.0.1:0")
	if code != 0 || stderr != "" {
		t.Fatalf("got %d, %q", code, stderr)
	}
	for _, want := range []string{
		`Cache-Status: mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=primary; rule="all"`,
		"Cache-Status: mirrorgate; hit; detail=bucket",
		"the origin was asked: GET /old-photos/cat.svg",
		`Cache-Status: mirrorgate; fwd=uri-miss; detail=redirect; rule="downloads"`,
		`Cache-Status: mirrorgate; fwd=bypass; rule="live"`,
		`Cache-Status: mirrorgate; detail=deny; rule="private"`,
		"HTTP 404 Not Found",
		"\n  docs/hello.txt\n  downloads/big.txt\n  photos/cat.svg\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in the output:\n%s", want, stdout)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

const explained = `
sites:
- name: assets
  hosts: [assets.example.com]
  bucket: {prefix: site-a/, s3: {endpoint: "http://127.0.0.1:9000", name: media, access_key: key, secret_key: hidden-secret}}
  rules:
  - id: images
    match: {prefix: images/}
    rewrite: {replace: img/}
    origin:
      primary: https://old.example.com
      backup: http://203.0.113.9:8000/files
    forward:
      query: key
      headers: {pass: [Accept-Language, Cookie], set: {Authorization: "Basic hidden-basic"}}
  - {id: gone, mode: deny, match: {prefix: gone/}, deny: {status: 410}}
  - {id: away, mode: redirect, match: {prefix: away/}, origin: {primary: dl.example.com}}
  - {id: live, mode: proxy, when: always, match: {prefix: live/}, origin: {primary: live.example.com}}
`

func configFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.yaml")
	if err := os.WriteFile(path, []byte(explained), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExplain(t *testing.T) {
	config := configFile(t)
	f := func(url string, want admin.Explanation, headers ...string) {
		t.Helper()
		args := []string{"explain", "--config", config, "--json"}
		for _, h := range headers {
			args = append(args, "-H", h)
		}
		code, stdout, stderr := program(t, append(args, url)...)
		if strings.Contains(stdout, `"Role"`) {
			t.Errorf("%s: names are not in lower case: %s", url, stdout)
		}
		var got admin.Explanation
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
			t.Fatalf("%s: %d, %v, %s%s", url, code, err, stdout, stderr)
		}
		if strings.Contains(stdout, "hidden") {
			t.Errorf("%s: a secret is shown: %s", url, stdout)
		}
		if got.Rule != want.Rule || got.Mode != want.Mode || got.When != want.When || got.Key != want.Key ||
			got.Keep != want.Keep || got.Location != want.Location || !slices.Equal(got.Asks, want.Asks) ||
			!strings.Contains(got.Answer, want.Answer) || got.StoredAs != want.StoredAs {
			t.Errorf("%s: got %+v, want %+v", url, got, want)
		}
	}
	images := admin.Explanation{
		Rule: "images", Mode: "mirror", When: "miss", Key: "images/a b.jpg?w=2", Keep: true, Answer: "pulled from the origin",
		Asks: []admin.Ask{
			{Target: "primary", URL: "https://old.example.com/img/a%20b.jpg?w=2"},
			{Target: "backup", URL: "http://203.0.113.9:8000/files/img/a%20b.jpg?w=2"},
		},
		StoredAs: "s3://media/site-a/images/a b.jpg?w=2 at http://127.0.0.1:9000",
	}
	f("http://assets.example.com/images/a%20b.jpg?w=2", images, "Accept-Language: de")
	images.Keep = false // the answer is for one client
	f("http://ASSETS.example.com:8080/images/a%20b.jpg?w=2", images, "Cookie: a=b")
	f("http://assets.example.com/gone/x", admin.Explanation{
		Rule: "gone", Mode: "deny", When: "always", Key: "gone/x", Answer: "denied with status 410",
		StoredAs: "s3://media/site-a/gone/x at http://127.0.0.1:9000",
	})
	f("http://assets.example.com/away/x", admin.Explanation{
		Rule: "away", Mode: "redirect", When: "miss", Key: "away/x", Keep: true, Answer: "redirected with status 302",
		Location: "http://dl.example.com/away/x", Asks: []admin.Ask{{Target: "primary", URL: "http://dl.example.com/away/x"}},
		StoredAs: "s3://media/site-a/away/x at http://127.0.0.1:9000",
	})
	f("http://assets.example.com/images/%2e%2e/x", admin.Explanation{
		Rule: "images", Mode: "mirror", When: "miss", Key: "images/../x", Answer: "404 NoSuchKey: the rewritten path is refused",
		StoredAs: "s3://media/site-a/images/../x at http://127.0.0.1:9000",
	})
	f("http://other.example.com/x", admin.Explanation{Answer: "404 NoSuchBucket"})
	f("http://assets.example.com/a%00b", admin.Explanation{Answer: "NUL"})
}

// The text for people says the same, with secrets masked.
func TestExplainText(t *testing.T) {
	_, stdout, _ := program(t, "explain", "--config", configFile(t), "http://assets.example.com/images/x.png")
	for _, want := range []string{
		"rule       images\n", "ask 2      backup http://203.0.113.9:8000/files/img/x.png\n",
		"header     Authorization: (set by the rule, not shown)\n", "saved      yes",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}
