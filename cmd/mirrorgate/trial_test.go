package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
)

// A trial is a real request: it shows what a client would get, bounded, and cannot be made two requests.
func TestTrial(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/large"):
			w.Header().Set("Content-Length", fmt.Sprint(trialBytes+1))
			_, _ = io.CopyN(w, zeros{}, trialBytes+1)
		case strings.HasPrefix(r.URL.Path, "/short"):
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
		default:
			_, _ = io.WriteString(w, r.RequestURI+" "+r.Header.Get("Accept-Language"))
		}
	}))
	defer origin.Close()
	p := serveFor(t, fmt.Sprintf(`
rules:
  - {id: away, match: {prefix: away/}, mode: redirect, origin: {primary: %[1]q}}
  - {id: live, mode: proxy, when: always, origin: {primary: %[1]q}, forward: {headers: {pass: all}, query: same}}`, origin.URL))
	f := func(method, url string, header http.Header, want admin.Trial, body string) {
		t.Helper()
		got, err := p.trial(t.Context(), method, url, header)
		if want.Bytes == 0 {
			want.Bytes = int64(len(body))
		}
		if body != "" {
			sum := sha256.Sum256([]byte(body))
			want.SHA256 = hex.EncodeToString(sum[:])
		}
		broken := (got.Error != "") != (want.Error != "") || !strings.HasPrefix(got.Error, want.Error)
		if err != nil || got.Status != want.Status || got.Bytes != want.Bytes || got.SHA256 != want.SHA256 ||
			got.Cut != want.Cut || broken || got.TotalMS < got.FirstMS || got.FirstMS <= 0 {
			t.Errorf("%s %s: %+v, %v, want %+v", method, url, got, err, want)
		}
	}
	f("GET", "http://any.example.com/a//b%2Fc?x=%41", nil, admin.Trial{Status: 200}, "/a//b/c?x=%41 ")
	f("GET", "https://any.example.com//a", http.Header{"Accept-Language": {"de"}}, admin.Trial{Status: 200}, "//a de")
	f("HEAD", "http://any.example.com/a", nil, admin.Trial{Status: 200}, "")
	f("GET", "http://any.example.com/large", nil, admin.Trial{Status: 200, Bytes: trialBytes, Cut: true}, "")
	f("GET", "http://any.example.com/short", nil, admin.Trial{Status: 200, Bytes: 4, Error: "the body broke off"}, "")
	f("GET", "http://any.example.com/a", http.Header{"Range": {"bytes=1-x"}}, admin.Trial{Status: 200}, "/a ")
	got, err := p.trial(t.Context(), "GET", "http://any.example.com/away/x", nil)
	if err != nil || got.Status != http.StatusFound || got.Header.Get("Location") != origin.URL+"/away/x" {
		t.Errorf("a redirect: %+v, %v", got, err)
	}

	bad := func(want, method, url string, header http.Header) {
		t.Helper()
		if got, err := p.trial(t.Context(), method, url, header); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %q %v: %+v, %v, want %s", method, url, header, got, err, want)
		}
	}
	bad("method: must be GET or HEAD", "POST", "http://a/b", nil)
	bad("must begin with http://", "GET", "a/b", nil)
	bad("must have a host", "GET", "http:///b", nil)
	bad("no spaces", "GET", "http://a/b HTTP/1.1\r\nX: y", nil)
	bad("no spaces", "GET", "http://a b/", nil)
	bad("Host is not for a trial", "GET", "http://a/b", http.Header{"Host": {"c"}})
	bad("Transfer-Encoding is not for", "GET", "http://a/b", http.Header{"Transfer-Encoding": {"chunked"}})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
