package contract_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// A range far behind what has arrived is asked of the origin by itself, while one whole pull runs behind it; one near
// the beginning follows that pull. With range: fill all wait for it.
func TestFarRange(t *testing.T) {
	t.Parallel()
	body := harness.Truth{Seed: 90, Size: 12 << 20}.Bytes()
	g := newGate()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Content-Type", "video/mp4")
		if r.Header.Get("Range") == "" && r.Method == http.MethodGet {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:1<<20])
			_ = http.NewResponseController(w).Flush()
			g.pass(r)
			_, _ = w.Write(body[1<<20:])
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
	r := serveRules(t, o, mirrorRule)
	f := func(header, want string, status string) {
		t.Helper()
		a := r.get(t, "/v.mp4", "Range", header)
		equal(t, header, a.Status, http.StatusPartialContent)
		equal(t, header, string(a.Body) == want, true)
		if got := a.Header.Get("Cache-Status"); !strings.Contains(got, status) {
			t.Errorf("%s: Cache-Status %q, want %q", header, got, status)
		}
		equal(t, "ETag", a.Header.Get("Etag"), `"v1"`)
	}
	f("bytes=8388608-8388617", string(body[8<<20:8<<20+10]), "fwd=partial; detail=primary")
	f("bytes=-10", string(body[len(body)-10:]), "fwd=partial")
	f("bytes=0-9", string(body[:10]), "fwd=uri-miss") // there already: from the whole pull
	g.open()
	r.waitSaved(t, "v.mp4", string(body))
	f("bytes=8388608-8388617", string(body[8<<20:8<<20+10]), "hit")
	whole := 0
	for _, asked := range o.requests() {
		if asked.header.Get("Range") == "" {
			whole++
		}
	}
	equal(t, "whole pulls", whole, 1)
}

// HEADs of a missing object are one request, whose answer is remembered for a while, and for HEAD alone.
func TestHeadIsRemembered(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, pages(map[string]page{"/a.txt": {body: "there", header: []string{"Content-Type", "text/plain"}}}))
	r := serve(t, site("negative_ttl: 60s", mirrorRule), "ORIGIN="+o.url)
	for range 5 {
		equal(t, "status", r.head(t, "/a.txt").Status, http.StatusOK)
		equal(t, "status", r.head(t, "/none.txt").Status, http.StatusNotFound)
	}
	equal(t, "requests for a.txt", o.count("/a.txt"), 1)
	equal(t, "requests for none.txt", o.count("/none.txt"), 1)
	wantObject(t, r.get(t, "/a.txt"), "there", saved("r"))
	equal(t, "a 404 to HEAD, then GET", r.get(t, "/none.txt").Status, http.StatusNotFound)
	equal(t, "requests for none.txt with GET", o.count("/none.txt"), 2)
}

// A range of which no byte ever comes, because the pull that it follows breaks off before it, is an error like any
// other, and no empty answer.
func TestRangeOfWhatNeverComes(t *testing.T) {
	t.Parallel()
	const body = "0123456789"
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/digest.bin" {
			w.Header().Set("Content-Md5", "AAAAAAAAAAAAAAAAAAAAAA==")
			_, _ = w.Write([]byte(body))
			return
		}
		w.Header().Set("Content-Length", "20")
		_, _ = w.Write([]byte(body)) // and no more: the connection is closed
	})
	r := serveRules(t, o, `{id: r, origin: {primary: "${ORIGIN}", breaker: {failures: 0}}}`)
	f := func(path, header string, want int, text string) {
		t.Helper()
		a := r.get(t, path, "Range", header)
		equal(t, path+" "+header, a.Status, want)
		if !strings.Contains(string(a.Body), text) {
			t.Errorf("%s %s: %q, want %q in it", path, header, a.Body, text)
		}
	}
	f("/digest.bin", "bytes=9-", http.StatusBadGateway, "<Code>MirrorFailed</Code>")
	f("/digest.bin", "bytes=-1", http.StatusBadGateway, "<Code>MirrorFailed</Code>")
	f("/digest.bin", "bytes=3-5", http.StatusPartialContent, "345")
	f("/short.bin", "bytes=15-", http.StatusBadGateway, "<Code>MirrorFailed</Code>")
	f("/short.bin", "bytes=3-5", http.StatusPartialContent, "345")
}
