package admin_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"mirrorgate/gateway/admin"
)

// Wrong tokens make their address wait, and no other; without a token nobody guesses.
func TestWrongTokens(t *testing.T) {
	c := &control{}
	var log safeBuffer
	base := serveWith(t, admin.Options{
		Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Control: c, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	f := func(from, given string, want int) {
		t.Helper()
		resp := askFrom(t, from, base+"/api/v1/reload", map[string]string{"Authorization": given}, "")
		if resp.StatusCode != want || (resp.Header.Get("Retry-After") != "") != (want == 429) {
			t.Errorf("%s with %q: %d, Retry-After %q, want %d", from, given, resp.StatusCode, resp.Header.Get("Retry-After"), want)
		}
	}
	const good = "Bearer " + token
	for range 10 {
		f("127.0.0.2", "", 401)
		f("127.0.0.2", "Basic eDp5", 401)
	}
	for i := range 5 {
		f("127.0.0.2", fmt.Sprint("Bearer wrong-token-of-the-tests", i), 401)
	}
	f("127.0.0.2", "Bearer wrong-token-of-the-tests", 429)
	f("127.0.0.2", good, 429) // else it could be guessed all the same
	f("127.0.0.2", "", 401)
	f("127.0.0.3", good, 200)
	if got := c.take(); got != "reload" {
		t.Errorf("asked: %q", got)
	}
	text := log.String()
	if strings.Count(text, "a wrong token came") != 5 || !strings.Contains(text, "client=127.0.0.2:") {
		t.Errorf("the log does not tell of wrong tokens:\n%s", text)
	}
	if !strings.Contains(text, "client=127.0.0.3:") || !strings.Contains(text, "method=POST path=/api/v1/reload query=\"\" status=200") {
		t.Errorf("the log does not tell who changed something:\n%s", text)
	}
	if strings.Contains(text, "token-of-the-tests") {
		t.Errorf("the log shows a token:\n%s", text)
	}
}

// Requests for another host are refused before anything is looked at.
func TestHosts(t *testing.T) {
	c := &control{}
	base := serveWith(t, admin.Options{
		Config: admin.Config{Listen: "gateway.example.com:1", Token: token, Hosts: []string{"admin.example.com"}}, Control: c,
	})
	f := func(host string, want int) {
		t.Helper()
		resp := askFrom(t, "127.0.0.1", base+"/api/v1/reload", map[string]string{"Host": host, "Authorization": "Bearer " + token}, "")
		if resp.StatusCode != want || (c.take() != "") != (want == 200) {
			t.Errorf("%s: %d, want %d", host, resp.StatusCode, want)
		}
	}
	for _, own := range []string{"127.0.0.1", "[::1]:9090", "LOCALHOST:9090", "gateway.example.com", "Admin.Example.com:443"} {
		f(own, 200)
	}
	for _, other := range []string{"evil.example", "admin.example.com.evil.example", "x.admin.example.com", "127.0.0.1.evil.example", "localhost.evil.example"} {
		f(other, 421)
	}
}

// A body is JSON, or does not say what it is.
func TestContentType(t *testing.T) {
	c := &control{}
	base := serveWith(t, admin.Options{Config: admin.Config{Listen: "127.0.0.1:1", Token: token}, Control: c})
	f := func(kind string, want int) {
		t.Helper()
		header := map[string]string{"Content-Type": kind, "Authorization": "Bearer " + token}
		resp := askFrom(t, "127.0.0.1", base+"/api/v1/purge", header, `{"site": "s", "prefix": "x"}`)
		if resp.StatusCode != want || (c.take() != "") != (want == 200) {
			t.Errorf("%q: %d, want %d", kind, resp.StatusCode, want)
		}
	}
	for _, json := range []string{"", "application/json", "Application/JSON; charset=utf-8"} {
		f(json, 200)
	}
	for _, other := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json; =", "/"} {
		f(other, 415)
	}
}

func TestHostsOfTheConfiguration(t *testing.T) {
	f := func(host, want string) {
		t.Helper()
		var got []string
		admin.Config{Hosts: []string{"ok.example.com", host}}.Validate(func(path, _ string) { got = append(got, path) })
		if said := strings.Join(got, " "); said != want {
			t.Errorf("%q: mistakes in %q, want %q", host, said, want)
		}
	}
	f("Admin_1.example-2.com", "")
	for _, wrong := range []string{"", "*", "*.example.com", "a:1", "http://a", "a b", "ä.example"} {
		f(wrong, "hosts[1]")
	}
}

// askFrom posts from an address of this machine.
func askFrom(t *testing.T, from, url string, header map[string]string, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	req.Host = header["Host"]
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, address)
	}}
	resp, err := client.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// safeBuffer may be written and read by several.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
