package contract_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"mirrorgate/test/harness"
)

const adminToken = "a-token-of-the-tests"

// versions is an origin whose object changes when it is told to.
type versions struct {
	*origin
	now atomic.Int64 // 0: gone
	tag bool         // it gives ETags, and knows conditions
}

func startVersions(t *testing.T, tag bool) *versions {
	v := &versions{tag: tag}
	v.now.Store(1)
	v.origin = startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		n := v.now.Load()
		if n == 0 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		if v.tag {
			w.Header().Set("Etag", fmt.Sprintf(`"v%d"`, n))
			if r.Header.Get("If-None-Match") == w.Header().Get("Etag") {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		_, _ = fmt.Fprintf(w, "version %d", n)
	})
	return v
}

// ask sends a refresh to the admin listener.
func ask(t *testing.T, addr, token, host string, keys ...string) (status int, outcomes []string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"site": "site", "keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/api/v1/refresh",
		strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Results []struct{ Outcome, Error string }
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	for _, r := range answer.Results {
		outcomes = append(outcomes, r.Outcome+r.Error)
	}
	return resp.StatusCode, outcomes
}

// A refresh compares a copy with its origin at once: what is the same stays, what has changed is replaced, what is gone
// stays, and what an application has stored or deleted is left alone.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, tag := range []bool{true, false} {
		t.Run(fmt.Sprintf("with an ETag %v", tag), func(t *testing.T) {
			o := startVersions(t, tag)
			addr := harness.FreeAddr(t)
			config := fmt.Sprintf("admin: {listen: %q, token: %s}\n", addr, adminToken)
			r := serve(t, config+site("negative_ttl: 0s", mirrorRule), "ORIGIN="+o.url)
			f := func(key, want string) {
				t.Helper()
				if status, got := ask(t, addr, adminToken, "", key); status != 200 || len(got) != 1 || !strings.Contains(got[0], want) {
					t.Errorf("%s: got %d, %q, want %q", key, status, got, want)
				}
			}
			wantObject(t, r.get(t, "/a.txt"), "version 1", saved("r"))
			r.waitSaved(t, "a.txt", "version 1")
			f("a.txt", "unchanged")
			o.now.Store(2)
			f("a.txt", "replaced")
			harness.Eventually(t, patience, func() error {
				if a := r.get(t, "/a.txt"); string(a.Body) != "version 2" {
					return fmt.Errorf("still %q", a.Body)
				}
				return nil
			})
			wantHit(t, r.get(t, "/a.txt"), "version 2")
			o.now.Store(0)
			f("a.txt", "gone")
			wantHit(t, r.get(t, "/a.txt"), "version 2")
			f("b.txt", "not found")
			r.put(t, "c.txt", "by hand")
			f("c.txt", "no copy")
			wantHit(t, r.get(t, "/c.txt"), "by hand")
		})
	}
}

// What a refresh replaces is not answered from memory any more, long before its time to live is over.
func TestRefreshBeforeMemory(t *testing.T) {
	t.Parallel()
	o := startVersions(t, true)
	addr := harness.FreeAddr(t)
	config := fmt.Sprintf("admin: {listen: %q, token: %s}\n", addr, adminToken)
	r := serve(t, inMemory+config+site("", mirrorRule), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/a.txt"), "version 1", saved("r"))
	r.waitSaved(t, "a.txt", "version 1")
	for range 2 { // the first puts it there
		if a := r.get(t, "/a.txt"); string(a.Body) != "version 1" {
			t.Fatalf("got %q", a.Body)
		}
	}
	o.now.Store(2)
	if status, got := ask(t, addr, adminToken, "", "a.txt"); status != 200 || len(got) != 1 || got[0] != "replaced" {
		t.Fatalf("%d, %q", status, got)
	}
	harness.Eventually(t, patience, func() error {
		if a := r.get(t, "/a.txt"); string(a.Body) != "version 2" {
			return fmt.Errorf("still %q, %s", a.Body, a.Header.Get("Cache-Status"))
		}
		return nil
	})
}

// Whoever cannot show the token, or comes under another name, changes nothing.
func TestAdminRefuses(t *testing.T) {
	t.Parallel()
	o := startVersions(t, true)
	addr := harness.FreeAddr(t)
	r := serve(t, fmt.Sprintf("admin: {listen: %q, token: %s}\n", addr, adminToken)+site("", mirrorRule), "ORIGIN="+o.url)
	wantObject(t, r.get(t, "/a.txt"), "version 1", saved("r"))
	r.waitSaved(t, "a.txt", "version 1")
	asked := len(o.requests())
	f := func(status int, token, host string) {
		t.Helper()
		if got, _ := ask(t, addr, token, host, "a.txt"); got != status {
			t.Errorf("token %q, host %q: status %d, want %d", token, host, got, status)
		}
	}
	f(http.StatusUnauthorized, "", "")
	f(http.StatusUnauthorized, adminToken+"x", "")
	f(http.StatusMisdirectedRequest, adminToken, "attacker.example")
	equal(t, "requests to the origin", len(o.requests()), asked)
	f(http.StatusOK, adminToken, "localhost")

	readOnly := harness.FreeAddr(t)
	serve(t, fmt.Sprintf("admin: {listen: %q}\n", readOnly)+site("", mirrorRule), "ORIGIN="+o.url)
	if got, _ := ask(t, readOnly, "anything", "", "a.txt"); got != http.StatusForbidden {
		t.Errorf("without a token in the configuration: status %d", got)
	}
}
