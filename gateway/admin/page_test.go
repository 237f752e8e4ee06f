package admin_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"mirrorgate/gateway/admin"
)

func fetch(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// The page is for everybody, also where reading needs a token: its files hold no data.
func TestPageFiles(t *testing.T) {
	base := serve(t, admin.Config{Listen: "10.0.0.1:9090"}, newQueue(0))
	f := func(path, mediaType, contains string) {
		t.Helper()
		resp, body := fetch(t, http.MethodGet, base+path)
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, contains) {
			t.Fatalf("GET %s: %s, %.80s", path, resp.Status, body)
		}
		for name, want := range map[string]string{
			"Content-Type": mediaType, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
				"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, got, want)
			}
		}
		etag := resp.Header.Get("Etag")
		if again, body := fetch(t, http.MethodGet, base+path, "If-None-Match", etag); again.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("GET %s with If-None-Match %s: %s", path, etag, again.Status)
		}
		if head, none := fetch(t, http.MethodHead, base+path); head.StatusCode != http.StatusOK || none != "" || head.ContentLength != int64(len(body)) {
			t.Errorf("HEAD %s: %s, %d bytes", path, head.Status, head.ContentLength)
		}
	}
	f("/", "text/html; charset=utf-8", `<script type="module" src="app.js">`)
	f("/app.js", "text/javascript; charset=utf-8", "import")
	f("/app.css", "text/css; charset=utf-8", ":root")
	f("/icon.svg", "image/svg+xml", "<svg")

	if resp, _ := fetch(t, http.MethodPost, base+"/"); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
	for _, path := range []string{"/index.html", "/page", "/app.js/", "/../page.go"} {
		if resp, _ := fetch(t, http.MethodGet, base+path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: %s", path, resp.Status)
		}
	}
}

// What the page is made of has no way to take a text for more than that, needs nothing from elsewhere, and can be read.
func TestPageSource(t *testing.T) {
	banned := regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|DOMParser|` +
		`setHTML|createContextualFragment|javascript:|localStorage\.setItem\("token|style=|<style|\son[a-z]+="`)
	elsewhere := regexp.MustCompile(`https?://[^\s"']+`)
	files, err := filepath.Glob("page/*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := banned.FindString(string(text)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
		for _, url := range elsewhere.FindAllString(string(text), -1) {
			if !strings.HasPrefix(url, "http://www.w3.org/") && !strings.HasPrefix(url, "http://assets.example.com/") {
				t.Errorf("%s names %s", name, url)
			}
		}
		lines := strings.Split(string(text), "\n")
		if len(lines) > 350 {
			t.Errorf("%s has %d lines, at most 350: it is two files", name, len(lines))
		}
		for i, line := range lines {
			if width := utf8.RuneCountInString(line); width > 120 && !strings.HasSuffix(name, ".svg") {
				t.Errorf("%s:%d: %d characters wide, at most 120", name, i+1, width)
			}
		}
	}
}
