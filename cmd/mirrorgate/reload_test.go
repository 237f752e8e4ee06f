package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// reloads is a gateway that runs in this process with a file.
type reloads struct {
	*testing.T
	*process
	dir, addr string
	log       lines
	end       func()
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// sites is what follows the settings in the files of these tests.
const oneSite = "sites: [{name: site, hosts: [\"*\"], bucket: {dir: BUCKET}, rules: [{id: gone, mode: deny, deny: {status: 410}}]}]\n"

// newReloads starts a gateway with these sites, and more settings.
func newReloads(t *testing.T, sites string, settings ...string) *reloads {
	r := &reloads{T: t, dir: t.TempDir(), addr: harness.FreeAddr(t)}
	r.write(sites, settings...)
	cfg, err := load(r.path("m.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if r.process, err = start(cfg, slog.New(slog.NewTextHandler(&r.log, nil))); err != nil {
		t.Fatal(err)
	}
	r.file = r.path("m.yaml")
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.run(ctx); err != nil {
			t.Error(err)
		}
	})
	r.end = func() {
		stop()
		running.Wait()
	}
	t.Cleanup(r.end)
	harness.Eventually(t, 20*time.Second, r.ready)
	return r
}

func (r *reloads) path(name string) string { return filepath.Join(r.dir, name) }

// write replaces the file by one with these sites: BUCKET is a directory's name, in whose place its path goes.
func (r *reloads) write(sites string, settings ...string) {
	r.Helper()
	text := fmt.Sprintf("server: {listen: %q}\nadmin: {listen: \"\"}\ndata_dir: %q\n%s\n%s", r.addr, r.path("data"),
		strings.Join(settings, "\n"), strings.ReplaceAll(sites, "BUCKET", r.path("bucket")))
	r.put(text)
}

// put puts a file in the place of the one that is there.
func (r *reloads) put(text string) {
	r.Helper()
	if err := os.WriteFile(r.path("new"), []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	if err := os.Rename(r.path("new"), r.path("m.yaml")); err != nil {
		r.Fatal(err)
	}
}

// get asks for a key that the bucket lacks, and returns the status.
func (r *reloads) get() int {
	r.Helper()
	resp, err := http.Get("http://" + r.addr + "/a")
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// A file that cannot be put in force changes nothing and leaves nothing behind, whatever is wrong with it; each mistake
// is in the log once, and the state says why. The next good file holds.
func TestBadFileChangesNothing(t *testing.T) {
	r := newReloads(t, oneSite)
	good, _ := os.ReadFile(r.file)
	for range 3 { // what starts with the first requests has started
		r.get()
	}
	f := func(name string, breaks func(), want ...string) {
		t.Helper()
		before, routines, force := r.entries(), runtime.NumGoroutine(), r.now.Load()
		breaks()
		r.log.take()
		state, err := r.reload(t.Context())
		log := r.log.take()
		if err == nil || state.Error == "" || r.reloadState().Error != state.Error {
			t.Errorf("%s: got %+v, %v", name, state, err)
		}
		for _, text := range want {
			if n := strings.Count(log, text); n != 1 || !strings.Contains(state.Error, text) {
				t.Errorf("%s: %q is in the log %d times, and the error is %q:\n%s", name, text, n, state.Error, log)
			}
		}
		if r.now.Load() != force || r.get() != http.StatusGone {
			t.Errorf("%s: the configuration was changed", name)
		}
		if err := os.RemoveAll(r.file); err != nil {
			t.Fatal(err)
		}
		r.put(string(good))
		if after := r.entries(); !slices.Equal(before, after) {
			t.Errorf("%s: left behind: %q, before %q", name, after, before)
		}
		harness.Eventually(t, 20*time.Second, func() error {
			if n := runtime.NumGoroutine(); n > routines+4 { // connections of this test's client come and go
				return fmt.Errorf("%s: %d goroutines, %d before", name, n, routines)
			}
			return nil
		})
		if state, err := r.reload(t.Context()); err != nil || state.Error != "" {
			t.Errorf("%s: the good file afterwards: %+v, %v", name, state, err)
		}
	}
	site := func(name, bucket string) string {
		return fmt.Sprintf("- {name: %s, hosts: [%s.example.com], bucket: %s}\n", name, name, bucket)
	}
	dir := func(name string) string { return fmt.Sprintf("{dir: %q}", r.path(name)) }
	nobody := fmt.Sprintf("{s3: {endpoint: %q, name: xxx, access_key: k, secret_key: some-secret}}", "http://"+harness.FreeAddr(t))
	f("empty", func() { r.put("") }, "none is given: a gateway needs at least one site")
	f("half-written", func() { r.put(string(good[:len(good)-40])) }, "not YAML")
	f("no YAML", func() { r.put("\x00\xff") }, "not valid UTF-8")
	f("no file", func() { _ = os.Remove(r.file) }, "no such file")
	f("a directory", func() { _ = os.Remove(r.file); _ = os.Mkdir(r.file, 0o700) }, "is a directory")
	f("mistakes", func() { r.write("sites:\n"+site("UP", dir("x"))+site("b", dir("x")), "log: {level: loud}", "more: 1") },
		"sites[0].name", "sites[1].bucket", "log.level", "more")
	f("a missing variable", func() { r.write(oneSite, `shared: {secret: "${NOBODY_SETS_THIS}"}`) }, "NOBODY_SETS_THIS")
	f("a file in the bucket's way", func() {
		if err := os.WriteFile(r.path("file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(r.path("file")) })
		r.write("sites:\n" + site("a", dir("new-a/deep")) + site("b", dir("file/b")))
	}, "site b: open the bucket")
	f("a ca_file that is not there", func() {
		r.write("sites:\n" + strings.TrimSuffix(site("a", dir("new-b")), "}\n") +
			", rules: [{id: r, origin: {primary: {url: \"https://o.example.com\", tls: {ca_file: nowhere.pem}}}}]}\n")
	}, "sites[0].rules[0].origin.primary.tls.ca_file")
	f("a bucket that is never ready", func() { r.write("sites:\n" + site("a", dir("new-c")) + site("b", nobody)) },
		"site b: the bucket was not ready within 10s")
	f("a bucket in the data_dir that stays", func() {
		text := strings.Replace(strings.ReplaceAll(oneSite, "BUCKET", r.path("data/in")), "site,", "other,", 1)
		r.put(fmt.Sprintf("server: {listen: %q}\nadmin: {listen: \"\"}\ndata_dir: %q\n%s", r.addr, r.path("data2"), text))
	}, "sites[0].bucket.dir")
}

// entries lists what is in the test's directory, but for the file, the spool and what a bucket has inside.
func (r *reloads) entries() (names []string) {
	r.Helper()
	_ = os.Remove(r.path("file"))
	found, err := os.ReadDir(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range found {
		names = append(names, e.Name())
	}
	if _, err := os.Stat(r.path("data/in")); err == nil {
		names = append(names, "data/in")
	}
	return names
}
