package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// A gateway that cannot be asked is named, with what the configuration needs for it. Nothing is changed then.
func TestQueueOfAGatewayThatCannotBeAsked(t *testing.T) {
	r := newQueueRig(t, noOrigin, `listen: ""`)
	r.fill(t, "a.txt")
	r.wantQueue(t, 0, "paused: uploads under way are finished, no further one is begun\n", "", "pause")
	id := r.id(t, "a.txt")
	inUse := fmt.Sprintf("data_dir %s is in use by the process %d, which has to be asked", r.data, os.Getpid())
	f := func(runs, has string, code int, why string, args ...string) {
		t.Helper()
		r.write(t, noOrigin, runs)
		stop := r.serve(t)
		r.write(t, noOrigin, has)
		r.wantQueue(t, code, "", inUse+why, args...)
		stop()
		r.write(t, noOrigin, `listen: ""`)
		if page := r.ls(t); len(page.Items) != 1 || !page.Summary.Paused {
			t.Errorf("runs with %s, asked with %s: %+v", runs, has, page)
		}
	}
	f(`listen: ""`, `listen: ""`, 2, ": that needs admin.listen in the configuration", "ls")
	f(`listen: ""`, `listen: ""`, 2, ": that needs admin.listen in the configuration", "drop", id)
	f(`listen: %q`, `listen: %q`, 2, ": a change needs admin.token in the configuration", "drop", id)
	f(`listen: %q`, steered, 2, ", and refuses: admin.token is not set: the API is read-only.", "resume")
	f(steered, `listen: %q, token: another-token-of-somebody`, 2, ", and refuses: the token is missing or wrong.", "drop", id)
	f(`listen: ""`, steered, 1, ", and admin.listen ("+r.admin+") gives no answer: ", "ls")
}

// On the address of the configuration another gateway may answer: it is not the one that has the directory.
func TestQueueOfAnotherGateway(t *testing.T) {
	r := newQueueRig(t, noOrigin, `listen: ""`)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"summary": {}, "items": [], "more": false, "process": 1}`)
		if r.Method != http.MethodGet {
			t.Error("the other gateway is asked for a change")
		}
	}))
	defer other.Close()
	r.serve(t)
	r.admin = strings.TrimPrefix(other.URL, "http://")
	r.write(t, noOrigin, steered)
	r.wantQueue(t, 2, "", "but on admin.listen ("+r.admin+") the process 1 answers: another gateway", "pause")
}

// Where data_dir is not, whoever listens on admin.listen is asked, and no directory is made.
func TestQueueWithoutTheDirectory(t *testing.T) {
	r := newQueueRig(t, noOrigin, steered)
	r.wantQueue(t, 1, "", "no such file or directory), so a running gateway has to be asked, and admin.listen", "ls")
	if _, err := os.Stat(r.data); !os.IsNotExist(err) {
		t.Errorf("a data_dir was made: %v", err)
	}
	r.serve(t)
	elsewhere := *r
	elsewhere.data = filepath.Join(t.TempDir(), "none")
	elsewhere.write(t, noOrigin, steered)
	elsewhere.wantQueue(t, 0, "0 waiting, 0 dead, 0B\n", "", "ls")
}

func TestQueueUsage(t *testing.T) {
	r := newQueueRig(t, noOrigin, `listen: ""`)
	r.wantQueue(t, 2, "", "needs either IDs or --all", "retry")
	r.wantQueue(t, 2, "", "needs either IDs or --all", "retry", "--all", "x")
	f := func(code int, wantOut, wantErr string, args ...string) {
		t.Helper()
		got, stdout, stderr := program(t, args...)
		if got != code || !strings.Contains(stdout, wantOut) || !strings.Contains(stderr, wantErr) {
			t.Errorf("%q: %d, %q, %q", args, got, stdout, stderr)
		}
	}
	f(2, "", "missing flags: --config", "queue", "ls")
	f(2, "", "no such file", "queue", "ls", "--config", "none.yaml")
	f(2, "", "expected \"<id> ...\"", "queue", "drop", "--config", r.config)
	f(0, "queue abort-uploads", "", "queue", "--help")
	f(0, "While a gateway runs it is asked on admin.listen", "", "queue", "--help")
}

// Looking for the directory does no harm while a gateway has it: what is arriving stays where it is.
func TestQueueLeavesARunningGatewayAlone(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	body := strings.Repeat("a body that is too long to be held in memory\n", 3000)
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = io.WriteString(w, body[:4])
		w.(http.Flusher).Flush()
		close(begun)
		<-release
		_, _ = io.WriteString(w, body[4:])
	}))
	defer old.Close()
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn() // also when the test fails: old waits for its answers
	r := newQueueRig(t, old.URL, `listen: ""`)
	r.serve(t)
	got := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + r.listen + "/a.txt")
		if err == nil {
			defer resp.Body.Close()
			var all []byte
			if all, err = io.ReadAll(resp.Body); string(all) != body {
				err = fmt.Errorf("got %d bytes, %w", len(all), err)
			}
		}
		got <- err
	}()
	<-begun
	var before []string
	harness.Eventually(t, 10*time.Second, func() error {
		before = files(t, r.data)
		if !slices.ContainsFunc(before, func(name string) bool { return strings.HasSuffix(name, ".body") }) {
			return fmt.Errorf("no body arrives yet: %q", before)
		}
		return nil
	})
	r.wantQueue(t, 2, "", "is in use by the process", "ls")
	r.wantQueue(t, 2, "", "is in use by the process", "pause")
	if after := files(t, r.data); !slices.Equal(after, before) {
		t.Errorf("data_dir had %q, has %q", before, after)
	}
	goOn()
	if err := <-got; err != nil {
		t.Error(err)
	}
	harness.Eventually(t, 20*time.Second, func() error {
		saved, err := os.ReadFile(filepath.Join(r.bucket, "a.txt"))
		if err == nil && string(saved) != body {
			t.Fatalf("%d bytes are in the bucket, want %d", len(saved), len(body))
		}
		return err
	})
}

// files are the names of all files below a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
