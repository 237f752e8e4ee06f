package contract_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var unavailable = failure{status: 503, code: "BucketUnavailable"}

// neverAPull fails the test unless each target is answered with 503, however it is asked for, and no origin is.
func (r *rig) neverAPull(t *testing.T, o *origin, targets ...string) {
	t.Helper()
	asked := len(o.requests())
	for _, target := range targets {
		a := r.get(t, target)
		unavailable.want(t, "GET", a, r.bucket)
		if retry := a.Header.Get("Retry-After"); strings.Trim(retry, "0123456789") != "" {
			t.Errorf("Retry-After is %q", retry)
		}
		unavailable.want(t, "HEAD", r.head(t, target))
		unavailable.want(t, "GET", r.get(t, target, "Range", "bytes=0-0"), r.bucket)
		unavailable.want(t, "GET", r.get(t, target, "If-None-Match", `"v1"`), r.bucket)
		equal(t, "Location", r.get(t, target).Header.Get("Location"), "")
	}
	o.wantTotal(t, asked)
}

// TestBucketRemoved: what cannot be looked at is not missing, in no mode.
func TestBucketRemoved(t *testing.T) {
	t.Parallel()
	g := newGate()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late.txt" {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(conditionBody()[:50]))
			_ = http.NewResponseController(w).Flush()
			g.pass(r)
			_, _ = w.Write([]byte(conditionBody()[50:]))
			return
		}
		echo(w, r)
	})
	r := serveRules(t, o,
		`{id: sent, mode: redirect, match: {prefix: r/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: passed, mode: proxy, match: {prefix: p/}, origin: {primary: "${ORIGIN}"}}`,
		`{id: gone, mode: deny, when: miss, match: {prefix: d/}}`,
		`{id: always, mode: proxy, when: always, match: {prefix: always/}, origin: {primary: "${ORIGIN}"}}`,
		mirrorRule)
	r.put(t, "here.txt", "here")
	wantObject(t, r.get(t, "/here.txt"), "here", hitBucket)
	wantObject(t, r.get(t, "/saved.txt"), "/saved.txt", saved("r"))
	r.waitSaved(t, "saved.txt", "/saved.txt")
	late := r.dial(t)
	late.send(t, request("GET", "/late.txt"))
	wait(t, "the pull", g.arrived)

	if err := os.RemoveAll(r.bucket); err != nil {
		t.Fatal(err)
	}
	r.neverAPull(t, o, "/here.txt", "/saved.txt", "/new.txt", "/r/new.txt", "/p/new.txt", "/d/new.txt")
	wantObject(t, r.get(t, "/always/a.txt"), "/always/a.txt", `mirrorgate; fwd=bypass; rule="always"`)

	// A pull that had begun is answered, and the object is served from where it waits.
	g.open()
	wantObject(t, late.answer(t, "GET"), conditionBody(), saved("r"))
	wantObject(t, r.get(t, "/late.txt"), conditionBody(), hitSpool)
	r.neverAPull(t, o, "/new.txt")

	// An empty directory in its place is not the bucket.
	if err := os.Mkdir(r.bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	r.neverAPull(t, o, "/here.txt", "/new.txt")
	if !r.Running() {
		t.Error("the gateway has ended")
	}
	// Started again on the new directory it saves what waited.
	r.Restart(t)
	r.waitSaved(t, "late.txt", conditionBody())
	r.wantBucket(t, "late.txt")
}

// TestUnreadableObjects: each is an error of its own, and the others are served.
func TestUnreadableObjects(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	r.put(t, "here.txt", "here")
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(r.bucket, name) }
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, err := range map[string]error{
		"fifo":   syscall.Mkfifo(in("fifo"), 0o600),
		"socket": os.Symlink(listener.Addr().String(), in("socket")),
		"out":    os.Symlink(outside, in("out")),
		"up":     os.Symlink("../"+filepath.Base(outside), in("up")),
		"loop":   os.Symlink("loop", in("loop")),
		"folder": os.Symlink(filepath.Dir(outside), in("folder")),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	r.neverAPull(t, o, "/fifo", "/out", "/up", "/loop", "/socket", "/folder/secret")
	wantObject(t, r.get(t, "/here.txt"), "here", hitBucket)
	wantObject(t, r.get(t, "/new.txt"), "/new.txt", saved("r"))

	if err := os.Symlink("here.txt", in("inside")); err != nil {
		t.Fatal(err)
	}
	wantObject(t, r.get(t, "/inside"), "here", hitBucket)
}

// TestUnreadableMetadata: without its metadata an object would be another one.
func TestUnreadableMetadata(t *testing.T) {
	t.Parallel()
	o := metadataOrigin(t, "ETag", `"v1"`)
	r := serveRules(t, o, mirrorRule)
	wantObject(t, r.get(t, "/a.txt"), "the body", saved("r"))
	r.waitSaved(t, "a.txt", "the body")
	records, err := filepath.Glob(filepath.Join(r.bucket, ".mirrorgate", "meta", "*", "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records: %v %v", records, err)
	}
	if err := os.Remove(records[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Base(records[0]), records[0]); err != nil { // a loop
		t.Fatal(err)
	}
	r.neverAPull(t, o, "/a.txt")
	// One that says nothing of this file is none.
	if err := os.Remove(records[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(records[0], []byte(`{"version":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := r.get(t, "/a.txt")
	wantObject(t, a, "the body", hitBucket)
	if a.Header.Get("ETag") == `"v1"` {
		t.Error("the ETag of a lost record is shown")
	}
}

// TestApplicationWins: what others store during a pull stays.
func TestApplicationWins(t *testing.T) {
	t.Parallel()
	g := newGate()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = fmt.Fprint(w, "01234")
		_ = http.NewResponseController(w).Flush()
		g.pass(r)
		_, _ = fmt.Fprint(w, "56789")
	})
	r := serveRules(t, o, mirrorRule)
	pulls := r.dial(t)
	pulls.send(t, request("GET", "/a.txt"))
	wait(t, "the pull", g.arrived)
	r.put(t, "a.txt", "newer")
	wantObject(t, r.get(t, "/a.txt"), "newer", hitBucket)
	g.open()
	wantObject(t, pulls.answer(t, "GET"), "0123456789", saved("r"))
	wantObject(t, r.get(t, "/a.txt"), "newer", hitBucket)
	r.wantBucket(t, "a.txt")
	body, err := os.ReadFile(filepath.Join(r.bucket, "a.txt"))
	if err != nil || string(body) != "newer" {
		t.Errorf("the bucket has %q (%v)", body, err)
	}
}

// TestPlainFiles: keys beside each other that no file system has beside each other.
func TestPlainFiles(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) { page{body: r.RequestURI}.ServeHTTP(w, r) })
	r := serveRules(t, o, mirrorRule)
	targets := []string{"/a", "/a/b", "/a/b/c", "/a//b", "//a", "/A", "/" + strings.Repeat("s", 300), "/a/"}
	for _, target := range targets {
		wantObject(t, r.get(t, target), target, saved("r"))
	}
	r.Restart(t)
	for _, target := range targets {
		wantObject(t, r.get(t, target), target, hitBucket)
	}
	o.wantTotal(t, len(targets))
}
