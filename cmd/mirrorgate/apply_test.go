package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// twoSites has a site with an origin and one without; STATUS and more are filled in.
const twoSites = `sites:
- {name: a, hosts: [a.example.com], bucket: {dir: BUCKETa}, rules: [MORE, {id: r, origin: {primary: "http://o.example.com"}}]}
- {name: b, hosts: ["*"], bucket: {dir: BUCKETb}, rules: [{id: gone, mode: deny, deny: {status: STATUS}}]}
`

func sitesWith(status, more string) string {
	return strings.NewReplacer("STATUS", status, "MORE", more).Replace(twoSites)
}

// endOf is how long it is waited for the end of what is kept, and of what is not.
func endOf(kept bool) <-chan time.Time {
	if kept {
		return time.After(20 * time.Millisecond)
	}
	return time.After(20 * time.Second)
}

// What is the same in both configurations is kept, with all that it knows; what is not is another one.
func TestReloadKeeps(t *testing.T) {
	const plain = "{id: x, mode: deny, match: {prefix: x/}}"
	r := newReloads(t, sitesWith("410", plain))
	f := func(sites string, a, b, origin bool) {
		t.Helper()
		was := r.now.Load()
		r.write(sites)
		if _, err := r.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := r.now.Load()
		name := ruleName{"a", "r"}
		if now.buckets["a"] == was.buckets["a"] != a || now.buckets["b"] == was.buckets["b"] != b ||
			(now.origins[name].Origin.Origin == was.origins[name].Origin.Origin) != origin {
			t.Errorf("%s: kept %v, %v, %v", sites, now.buckets["a"] == was.buckets["a"], now.buckets["b"] == was.buckets["b"],
				now.origins[name].Origin.Origin == was.origins[name].Origin.Origin)
		}
		for name, o := range was.buckets {
			kept := now.buckets[name] == o
			select {
			case <-o.ended:
				if kept {
					t.Errorf("the bucket of %s is looked after no more", name)
				}
			case <-endOf(kept):
				if !kept {
					t.Errorf("the former bucket of %s is looked after still", name)
				}
			}
		}
	}
	f(sitesWith("410", plain), true, true, true)
	f(sitesWith("451", plain), true, true, true)
	f(sitesWith("451", strings.Replace(plain, "x/", "y/", 1)), true, true, true)
	f(strings.Replace(sitesWith("451", plain), "o.example.com", "p.example.com", 1), true, true, false)
	f(strings.Replace(sitesWith("451", plain), "BUCKETb", "BUCKETc", 1), true, false, false)
	f(strings.Replace(sitesWith("451", plain), "BUCKETa}", "BUCKETa, prefix: p/}", 1), false, false, true)
	f(oneSite, false, false, false)
}

// What takes a restart is as it was, is listed, and is warned of once.
func TestReloadListsWhatTakesRestart(t *testing.T) {
	r := newReloads(t, oneSite)
	f := func(warnings int, restart []string, settings ...string) {
		t.Helper()
		r.write(oneSite, settings...)
		r.log.take()
		state, err := r.reload(t.Context())
		if log := r.log.take(); err != nil || !slices.Equal(state.Restart, restart) || strings.Count(log, "after a restart") != warnings {
			t.Errorf("%q: got %+v, %v, want %q: %s", settings, state, err, restart, log)
		}
		if c := r.config(); c.Memory.MaxBytes != 256<<20 || c.Limits.MaxPulls != 512 {
			t.Errorf("%q: %+v, %+v", settings, c.Memory, c.Limits)
		}
	}
	f(0, nil)
	f(1, []string{"limits.max_pulls", "memory.max_bytes"}, "memory: {max_bytes: 1MiB}", "limits: {max_pulls: 7}")
	f(0, []string{"limits.max_pulls", "memory.max_bytes"}, "memory: {max_bytes: 1MiB}", "limits: {max_pulls: 8}")
	f(1, []string{"memory.max_bytes"}, "memory: {max_bytes: 2MiB}")
	f(0, nil)
	f(0, nil, "log: {level: debug}")
	if r.level.Level() != slog.LevelDebug {
		t.Errorf("the log's level is %v", r.level.Level())
	}
}

// A gateway without a file has nothing to read again, and says so; so does one that is about to stop.
func TestReloadWithoutFile(t *testing.T) {
	r := newReloads(t, oneSite)
	r.process.file = ""
	if _, err := r.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "without a file") {
		t.Errorf("got %v", err)
	}
	r.process.file = r.path("m.yaml")
	r.stopping.Store(true)
	if state, err := r.reload(t.Context()); err == nil || state.Error != "" || r.ready() == nil {
		t.Errorf("got %+v, %v", state, err)
	}
}

// served runs `serve --config` in this process until the test ends, and returns how a key is answered.
func served(t *testing.T, dir, file string, args ...string) (status func(want int)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var log lines
	running.Go(func() {
		if code := run(ctx, append([]string{"serve", "--config", file}, args...), strings.NewReader(""), &log, &log); code != 0 {
			t.Errorf("exit code %d: %s", code, log.take())
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return func(want int) {
		t.Helper()
		harness.Eventually(t, 20*time.Second, func() error {
			text, _ := os.ReadFile(filepath.Join(dir, "addr"))
			resp, err := http.Get("http://" + string(text) + "/a")
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				return fmt.Errorf("status %d, want %d: %s", resp.StatusCode, want, log.take())
			}
			return nil
		})
	}
}

// config is a file for served.
func config(t *testing.T, dir string) func(status int) string {
	addr := harness.FreeAddr(t)
	if err := os.WriteFile(filepath.Join(dir, "addr"), []byte(addr), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(status int) string {
		return fmt.Sprintf("server: {listen: %q}\nadmin: {listen: \"\"}\ndata_dir: %q\n%s", addr, filepath.Join(dir, "data"),
			strings.NewReplacer("BUCKET", filepath.Join(dir, "bucket"), "410", fmt.Sprint(status)).Replace(oneSite))
	}
}

// However the file is changed, the change is seen: written over, put in its place, or by the links of a ConfigMap.
func TestFileIsWatched(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, in := t.TempDir(), t.TempDir()
	text := config(t, dir)
	put := func(name string, status int) {
		must(os.MkdirAll(filepath.Dir(filepath.Join(in, name)), 0o700))
		must(os.WriteFile(filepath.Join(in, name), []byte(text(status)), 0o600))
	}
	file := filepath.Join(in, "m.yaml")
	put("..1/m.yaml", 403)
	must(os.Symlink("..1", filepath.Join(in, "..data")))
	must(os.Symlink("..data/m.yaml", file))
	is := served(t, dir, file)
	is(403)
	put("..2/m.yaml", 404)
	must(os.Symlink("..2", filepath.Join(in, "..data_tmp")))
	must(os.Rename(filepath.Join(in, "..data_tmp"), filepath.Join(in, "..data")))
	is(404)
	put("..2/m.yaml", 410) // the file behind the links
	is(410)
	put("new", 451)
	must(os.Rename(filepath.Join(in, "new"), file)) // a plain file from now on
	is(451)
	put("m.yaml", 403) // written over
	is(403)
	must(os.Rename(in, in+".old")) // another directory in the place of the one that was watched
	put("m.yaml", 404)
	is(404)
	put("m.yaml", 410)
	is(410)
}

// SIGHUP has the file read, also where it is not watched, and never ends the process.
func TestHangup(t *testing.T) {
	dir := t.TempDir()
	text := config(t, dir)
	file := filepath.Join(dir, "m.yaml")
	put := func(status int) {
		if err := os.WriteFile(file, []byte(text(status)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(403)
	is := served(t, dir, file, "--no-watch")
	is(403)
	for _, status := range []int{404, 410} {
		put(status)
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		is(status)
	}
}
