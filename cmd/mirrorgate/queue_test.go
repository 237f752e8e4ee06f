package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mirrorgate/cache/writeback"
	"mirrorgate/gateway/admin"
)

const noOrigin = "http://127.0.0.1:1"

// While no gateway runs the commands work on the directory itself, and what they did is there for the next start.
func TestQueueOfADirectory(t *testing.T) {
	r := newQueueRig(t, noOrigin, `listen: ""`)
	r.fill(t, "a.txt", "folder/b b.txt", "c\x1b[31m\n.txt", "d.txt")
	r.bury(t, "d.txt")
	page := r.ls(t)
	if got := keysOf(page.Items); !slices.Equal(got, []string{"a.txt", "folder/b b.txt", "c\x1b[31m\n.txt", "d.txt"}) {
		t.Errorf("listed %q", got)
	}
	if s := page.Summary; s.Waiting != 3 || s.Dead != 1 || s.Bytes != 5+14+11+5 || s.Oldest.IsZero() || s.Paused {
		t.Errorf("the summary is %+v", s)
	}
	first, dead := page.Items[0], page.Items[3]
	if first.State != "waiting" || first.Site != "site" || first.Bytes != 5 || first.Rule != "all" || dead.State != "dead" {
		t.Errorf("the first is %+v, the dead one %+v", first, dead)
	}
	if got := r.ls(t, "--dead").Items; len(got) != 1 || got[0].ID != dead.ID {
		t.Errorf("the dead are %+v", got)
	}
	if got := r.ls(t, "--site", "other").Items; len(got) != 0 {
		t.Errorf("of another site: %+v", got)
	}

	unknown := strings.Repeat("0", 32)
	r.wantQueue(t, 0, dead.ID+": tried again\n", "", "retry", dead.ID)
	r.wantQueue(t, 0, "0 dead: tried again\n", "", "retry", "--all")
	r.wantQueue(t, 1, first.ID+": dropped\n"+unknown+": failed: no such entry in the queue: \""+unknown+"\"\n",
		"1 of 2 failed", "drop", first.ID, unknown)
	r.wantQueue(t, 1, "x: failed: no such entry in the queue: \"x\"\n", "1 of 1 failed", "retry", "x")
	r.wantQueue(t, 0, "paused: uploads under way are finished, no further one is begun\n", "", "pause")
	if page := r.ls(t); len(page.Items) != 3 || !page.Summary.Paused || page.Summary.Dead != 0 {
		t.Errorf("in the end: %+v", page)
	}
	r.wantQueue(t, 0, "resumed\n", "", "resume")
	r.serve(t)
	r.waitSaved(t, "d.txt")
	r.waitSaved(t, "folder/b b.txt")
	if _, err := os.Stat(filepath.Join(r.bucket, "a.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was dropped is in the bucket: %v", err)
	}
}

// The table is for people: aligned, and without a character that their terminal would obey.
func TestQueueTable(t *testing.T) {
	r := newQueueRig(t, noOrigin, `listen: ""`)
	r.fill(t, "a b.txt", "c\x1b[31m.txt")
	r.wantQueue(t, 0, "paused: uploads under way are finished, no further one is begun\n", "", "pause")
	_, stdout, _ := r.queue(t, "ls")
	want := `^ID {32}STATE {11}SIZE {5}AGE  ATTEMPTS  SITE {10}KEY
[0-9a-f]{32}  waiting {11}7B +\d+s {9}0  site {10}a b\.txt
[0-9a-f]{32}  waiting {10}10B +\d+s {9}0  site {10}"c\\x1b\[31m\.txt"
2 waiting, 0 dead, 17B, the oldest \d+s old; saving is paused until mirrorgate queue resume
$`
	if !regexp.MustCompile(want).MatchString(stdout) {
		t.Errorf("got\n%s", stdout)
	}
	empty := newQueueRig(t, noOrigin, `listen: ""`)
	empty.fill(t)
	empty.wantQueue(t, 0, "0 waiting, 0 dead, 0B\n", "", "ls")
}

func TestQueueTexts(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(sizeText(0), "0B")
	f(sizeText(1023), "1023B")
	f(sizeText(1024), "1.0KiB")
	f(sizeText(1<<20), "1.0MiB")
	f(sizeText(20<<30), "20.0GiB")
	f(sizeText(1<<63-1), "8.0EiB")
	f(ageText(-1), "0s")
	f(ageText(61e9), "1m1s")
	f(ageText(3600e9), "1h0m")
	f(ageText(49*3600e9), "2d1h")
	f(pausedBy([]string{"file", "api"}), " by writeback.paused in the configuration, and until mirrorgate queue resume")
	f(printable("é b"), "é b")
	f(printable("a\u202eb"), `"a\u202eb"`)
	f(printable(`"a"`), `"\"a\""`)
	f(printable("\xff"), `"\xff"`)
}

// While a gateway runs it is asked, and what it is told holds at once.
func TestQueueOfAGateway(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(strings.TrimPrefix(r.URL.Path, "/")))
	}))
	defer old.Close()
	r := newQueueRig(t, old.URL, steered)
	stop := r.serve(t)
	r.wantQueue(t, 0, "paused: uploads under way are finished, no further one is begun\n", "", "pause")
	for _, key := range []string{"a.txt", "b.txt", "c.txt"} {
		r.get(t, key)
	}
	page := r.ls(t)
	if got := keysOf(page.Items); !slices.Equal(got, []string{"a.txt", "b.txt", "c.txt"}) || !page.Summary.Paused {
		t.Fatalf("listed %q, paused %v", got, page.Summary.Paused)
	}
	r.wantQueue(t, 0, page.Items[0].ID+": dropped\n", "", "drop", page.Items[0].ID)
	r.wantQueue(t, 0, page.Items[1].ID+": tried again\n", "", "retry", page.Items[1].ID)
	r.wantQueue(t, 1, page.Items[0].ID+": failed: no such entry in the queue: \""+page.Items[0].ID+"\"\n",
		"1 of 1 failed", "drop", page.Items[0].ID)
	r.wantQueue(t, 0, "0 dead: tried again\n", "", "retry", "--all")
	stop() // a pause outlives the process
	if page := r.ls(t); len(page.Items) != 2 || !page.Summary.Paused {
		t.Fatalf("after the end of the gateway: %+v", page)
	}
	r.serve(t)
	if page := r.ls(t); len(page.Items) != 2 || !page.Summary.Paused {
		t.Fatalf("after a restart: %+v", page)
	}
	r.wantQueue(t, 0, "resumed\n", "", "resume")
	r.waitSaved(t, "b.txt")
	r.waitSaved(t, "c.txt")
	if _, err := os.Stat(filepath.Join(r.bucket, "a.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was dropped is in the bucket: %v", err)
	}
}

// A list goes over all pages of the admin API, and changes over as many requests as they need.
func TestQueueOfManyPages(t *testing.T) {
	const entries = 1205
	r := newQueueRig(t, noOrigin, steered)
	keys := make([]string, entries)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%04d", i)
	}
	r.fill(t, keys...)
	r.wantQueue(t, 0, "paused: uploads under way are finished, no further one is begun\n", "", "pause")
	r.serve(t)
	page := r.ls(t)
	if got := keysOf(page.Items); !slices.Equal(got, keys) || page.Summary.Waiting != entries {
		t.Fatalf("listed %d of %d, waiting %d", len(got), entries, page.Summary.Waiting)
	}
	args := []string{"drop"}
	for _, item := range page.Items[:1100] {
		args = append(args, item.ID)
	}
	if code, stdout, stderr := r.queue(t, args...); code != 0 || strings.Count(stdout, ": dropped\n") != 1100 {
		t.Errorf("drop: %d, %d dropped, %s", code, strings.Count(stdout, ": dropped\n"), stderr)
	}
	if got := keysOf(r.ls(t).Items); !slices.Equal(got, keys[1100:]) {
		t.Errorf("left are %d", len(got))
	}
}

// A page goes on behind the one before, also when the entry at which that ended has left since.
func TestQueuePageAfterALeaver(t *testing.T) {
	s, err := writeback.OpenSpool(t.TempDir(), writeback.DefaultSpoolConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		if err := commit(s, key); err != nil {
			t.Fatal(err)
		}
	}
	q := spoolQueue{s}
	f := func(after string, want ...string) admin.QueuePage {
		t.Helper()
		page, err := q.List(t.Context(), admin.QueueFilter{After: after, Limit: 2})
		if got := keysOf(page.Items); err != nil || !slices.Equal(got, want) || page.More != (page.Next != "") {
			t.Fatalf("after %q: %q, %v, %+v, want %q", after, got, err, page, want)
		}
		return page
	}
	first := f("", "a", "b")
	last := first.Items[1].ID
	f(last, "c", "d")
	if err := s.Drop(last); err != nil {
		t.Fatal(err)
	}
	second := f(first.Next, "c", "d")
	if _, err := q.List(t.Context(), admin.QueueFilter{After: last, Limit: 2}); !errors.Is(err, admin.ErrNoEntry) {
		t.Errorf("after the ID of what has left: %v", err)
	}
	if third := f(second.Next, "e"); third.More {
		t.Error("there is more behind the last")
	}
}
