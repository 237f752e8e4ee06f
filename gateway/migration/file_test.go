package migration_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/gateway/migration"
)

func (r *rig) file() string { return filepath.Join(r.dir, "migration") }

// fill counts something of everything.
func (r *rig) fill() {
	for i := range 50 {
		r.need(images(), fmt.Sprintf("media/%d\xff.jpg", i%20))
		r.answer(images(), migration.Retired)
		r.Note(migration.Event{ID: images(), Kind: migration.RetiredIt, Key: "retired.jpg"})
		r.Note(migration.Event{ID: images(), Kind: migration.NotKeptIt, Key: "kept/not", Why: "no-store"})
		r.Saved(images(), 100)
		r.wait(31 * time.Minute)
	}
	r.answer(images(), migration.Failed)
	r.Note(migration.Event{ID: images(), Kind: migration.FailedIt, Key: "failed", Why: "the origin could not be asked"})
}

// What was counted is there again after a restart: everything, to the last number.
func TestRestart(t *testing.T) {
	r := open(t)
	r.Tell("site", &migration.Inventory{Objects: 1000, Bytes: 100_000, Copied: 10, CopiedBytes: 1000})
	r.fill()
	r.set(r.now.Truncate(time.Second))
	r.Tick()
	before, history := r.Show(), r.History(migration.Hour, func(migration.ID) bool { return true })
	r.Save()
	r.reopen()
	after := r.Show()
	if !reflect.DeepEqual(after, before) {
		t.Errorf("after the restart\n%+v\nbefore\n%+v", after, before)
	}
	if got := r.History(migration.Hour, func(migration.ID) bool { return true }); !reflect.DeepEqual(got, history) {
		t.Errorf("after the restart %v, before %v", got, history)
	}
	equal(t, "log", r.log.String(), "")
	r.answer(images())
	equal(t, "requests", r.span(images(), "all").Numbers[migration.Requests],
		before.Rules[images()].Spans[3].Numbers[migration.Requests]+1)
	if inventory := after.Inventories["site"]; inventory.Left(migration.Span{}, r.now).Objects != 1000-10-50 {
		t.Errorf("%+v", inventory)
	}
}

// The file is written every minute: who is killed loses no more than that.
func TestSavedEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		r.need(images(), "first.jpg")
		sleep(t, 61*time.Second)
		r.need(images(), "second.jpg")
		sleep(t, 58*time.Second)
		stop()
		<-done // and no Save: it is killed
		r.reopen()
		b := r.Show()
		equal(t, "last needed for", b.Rule(images()).Needed.Key, "first.jpg")
		equal(t, "requests", r.span(images(), "all").Numbers[migration.Requests], 1)
	})
}

// sleep lets the time of a bubble pass.
func sleep(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// A file that is damaged or somebody else's is set aside with a warning, and counting begins anew; nothing stops.
func TestDamagedFile(t *testing.T) {
	r := open(t)
	r.fill()
	r.Save()
	good, err := os.ReadFile(r.file())
	if err != nil {
		t.Fatal(err)
	}
	f := func(content []byte) {
		t.Helper()
		r.log.Reset()
		if err := os.WriteFile(r.file(), content, 0o600); err != nil {
			t.Fatal(err)
		}
		r.reopen()
		if b := r.Show(); len(b.Rules) > 0 || !b.Since.Equal(r.now) {
			t.Errorf("%.20q: %d rules since %v", content, len(b.Rules), b.Since)
		}
		if !strings.Contains(r.log.String(), "set aside") {
			t.Errorf("%.20q: the log says %q", content, r.log)
		}
		if aside, err := os.ReadFile(r.file() + ".damaged"); err != nil || !bytes.Equal(aside, content) {
			t.Errorf("%.20q: set aside are %d bytes, %v", content, len(aside), err)
		}
		r.answer(images())
		r.Save()
		r.reopen()
		equal(t, "requests after the next start", r.span(images(), "all").Numbers[migration.Requests], 1)
	}
	f(nil)
	f([]byte("{}"))
	f(good[:len(good)/2])
	f(append(bytes.Clone(good), 0))
	f(bytes.Replace(good, []byte("retired.jpg"), []byte("retired.jpq"), 1))
	f(make([]byte, migration.MaxFile+1))
	body := []byte("well summed nonsense")
	sum := sha256.Sum256(body)
	f(append(append([]byte("mirrorgate migration 1\n"), sum[:]...), body...))
}

// Where the file cannot be read or written, that is said once, and counting goes on.
func TestFileInTheWay(t *testing.T) {
	r := open(t)
	if err := os.MkdirAll(filepath.Join(r.file(), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	if !strings.Contains(r.log.String(), "set aside") {
		t.Errorf("the log says %q", r.log)
	}
	if err := os.MkdirAll(filepath.Join(r.file(), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.log.Reset()
	for range 3 {
		r.answer(images())
		r.Save()
	}
	equal(t, "warnings", strings.Count(r.log.String(), "not kept"), 1)
	equal(t, "requests", r.span(images(), "all").Numbers[migration.Requests], 3)
	if err := os.RemoveAll(r.file()); err != nil {
		t.Fatal(err)
	}
	r.Save()
	r.reopen()
	equal(t, "requests", r.span(images(), "all").Numbers[migration.Requests], 3)
}

// Of 1,000 sites with 20 rules each, all of which have traffic and need their origin under long keys in every step of
// time, what is held and kept is bounded; spans say since when they know; the totals are right, also after a restart.
func TestManyRules(t *testing.T) {
	r := open(t)
	const sites, rules, times = 1000, 20, 3
	for n := range times {
		for i := range sites * rules {
			id := migration.ID{Site: fmt.Sprintf("site-%d", i/rules), Rule: fmt.Sprintf("rule-%d", i%rules)}
			r.need(id, fmt.Sprintf("%0150d/%d", i, n))
			r.answer(id, migration.Failed)
		}
		r.wait(time.Minute)
	}
	if n := r.Points(); n > migration.MaxPoints {
		t.Errorf("%d points in time, at most %d", n, migration.MaxPoints)
	}
	if n := r.Counters(); n > migration.MaxCounters {
		t.Errorf("%d counters, at most %d", n, migration.MaxCounters)
	}
	r.Save()
	info, err := os.Stat(r.file())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules: %d points, %d counters, a file of %d bytes, %d rules left out of it", sites*rules, r.Points(), r.Counters(),
		info.Size(), leftOut(t, r))
	if info.Size() > migration.MaxFile {
		t.Errorf("the file has %d bytes, at most %d", info.Size(), migration.MaxFile)
	}
	before := r.Show()
	r.reopen()
	after := r.Show()
	equal(t, "rules that are kept, of those that are held", len(after.Rules)+leftOut(t, r), len(before.Rules))
	for id, rule := range after.Rules {
		all := rule.Spans[3].Numbers
		if all[migration.Requests] != 2*times || all[migration.Needed] != times || rule.Needed.Key == "" {
			t.Fatalf("%v: %+v", id, rule)
		}
		if hour := rule.Spans[0]; hour.From.Equal(after.Since) && hour.Numbers != all {
			t.Fatalf("%v: %v since the beginning, the last hour is said to be all of that and has %v", id, all, hour.Numbers)
		}
	}
}

// leftOut reads from the log how many rules had no room in the file.
func leftOut(t *testing.T, r *rig) (n int) {
	t.Helper()
	_, rest, ok := strings.Cut(r.log.String(), "left_out=")
	if !ok {
		return 0
	}
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzFile reads any bytes as what the checksum of a file covers: nothing panics, and what is read is written so that
// it is read as the same again.
func FuzzFile(f *testing.F) {
	r := &rig{dir: f.TempDir(), log: &bytes.Buffer{}, now: begin()}
	r.reopen()
	r.Tell("site", &migration.Inventory{Objects: 1000, Bytes: 100_000, Copied: 10, CopiedBytes: 1000})
	r.fill()
	r.Save()
	content, err := os.ReadFile(r.file())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content[len("mirrorgate migration 1\n")+sha256.Size:])
	f.Fuzz(func(t *testing.T, body []byte) {
		once, err := migration.Decode(body)
		if err != nil {
			return
		}
		twice, err := migration.Decode(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q was read and written as %q, which was read and written as %q: %v", body, once, twice, err)
		}
	})
}
