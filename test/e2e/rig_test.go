package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// rig is a running gateway with one site, for every host, before a store.
type rig struct {
	*harness.Gateway
	store *store
}

// serve runs a gateway before the store with these rules, each a YAML mapping.
func serve(t *testing.T, s *store, rules ...string) *rig {
	t.Helper()
	return &rig{harness.StartGateway(t, config(s, rules...)), s}
}

// serveUnready is serve for a gateway whose bucket cannot be used yet.
func serveUnready(t *testing.T, s *store, rules ...string) *rig {
	t.Helper()
	return &rig{harness.StartGateway(t, config(s, rules...), harness.NotReady()), s}
}

func config(s *store, rules ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sites:\n- name: site\n  hosts: [\"*\"]\n  bucket: %s\n  rules:\n", s.config())
	for _, rule := range rules {
		b.WriteString("  - " + rule + "\n")
	}
	return b.String()
}

// graceful is a configuration that gives a shutdown so much time.
func graceful(grace, config string) string {
	return fmt.Sprintf("server: {listen: \"${LISTEN}\", grace: %s}\n", grace) + config
}

// mirrorAll is the rule that mirrors everything from one origin.
func mirrorAll(url string) string { return fmt.Sprintf("{id: all, origin: {primary: %q}}", url) }

// wantObject fails the test unless the gateway answers with exactly these bytes. It returns the answer.
func (r *rig) wantObject(t *testing.T, target string, want []byte, header ...string) harness.Answer {
	t.Helper()
	a := r.Get(t, target, header...)
	if a.Status != http.StatusOK || a.Err != nil || !bytes.Equal(a.Body, want) {
		t.Errorf("GET %.80s: %d, %v, %s; want 200 and %s", target, a.Status, a.Err, brief(a.Body), brief(want))
	}
	return a
}

// wantError fails the test unless the gateway answers with this row of the error table, for GET and for HEAD.
func (r *rig) wantError(t *testing.T, target string, status int, code string) {
	t.Helper()
	a := r.Get(t, target)
	if a.Status != status || !bytes.Contains(a.Body, []byte("<Code>"+code+"</Code>")) {
		t.Errorf("GET %.80s: %d, %s; want %d %s", target, a.Status, brief(a.Body), status, code)
	}
	if a := r.Do(t, http.MethodHead, target); a.Status != status || len(a.Body) != 0 {
		t.Errorf("HEAD %.80s: %d, %s; want %d", target, a.Status, brief(a.Body), status)
	}
}

// waitHit waits until the bucket answers for the target, which must be with these bytes, and returns that answer.
func (r *rig) waitHit(t *testing.T, target string, want []byte) harness.Answer {
	t.Helper()
	r.waitTier(t, target, hitBucket, patience)
	return r.wantObject(t, target, want)
}

// waitTier waits until the answer to a HEAD has this Cache-Status.
func (r *rig) waitTier(t *testing.T, target, status string, limit time.Duration) {
	t.Helper()
	harness.Eventually(t, limit, func() error {
		a := r.Do(t, http.MethodHead, target)
		if got := a.Header.Get("Cache-Status"); got != status {
			return fmt.Errorf("HEAD %s: %d, Cache-Status %q, want %q", target, a.Status, got, status)
		}
		return nil
	})
}

// The values of Cache-Status that the tests wait for.
const (
	hitBucket = "mirrorgate; hit; detail=bucket"
	hitSpool  = "mirrorgate; hit; detail=spool"
)

func pulled(target, rule string) string {
	return fmt.Sprintf("mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=%s; rule=%q", target, rule)
}

// stopSaved stops the gateway and fails the test unless all that it had to save is saved, or was dropped in favour of
// what the bucket has.
func (r *rig) stopSaved(t *testing.T) {
	t.Helper()
	if code := r.Stop(t); code != 0 {
		t.Errorf("mirrorgate ended with exit code %d", code)
	}
	if !strings.Contains(r.Log(t), "waiting_in_spool=0") {
		t.Error("objects are left in the spool")
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %#v, want %#v", what, got, want)
	}
}
