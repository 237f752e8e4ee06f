package writeback

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

func TestCommit(t *testing.T) {
	for _, fsync := range []bool{false, true} {
		s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 100, MaxEntries: 10, Fsync: fsync})
		d := create(t, s, 4, "data")
		wantAbsent(t, s, "k")
		wantRoom(t, s, 4, 1)
		if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4}}); err != nil {
			t.Fatal(err)
		}
		d.Discard() // does nothing any more
		wantObject(t, s, "k", "data")
		buf := make([]byte, 4)
		if n, err := d.ReadAt(buf, 0); n != 4 || string(buf) != "data" {
			t.Errorf("after the commit: got %q, %v", buf[:n], err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wantRoom(t, s, 4, 1)
		wantFiles(t, s, "tmp", 0)
		wantFiles(t, s, "pending", 2)
		wantAbsent(t, s, "K")
		if _, err := s.Open(cache.ID{Site: "other", Key: "k"}, cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
			t.Errorf("other site: got %v", err)
		}
		if s.Waiting() != 1 || s.Saved(id("k")) {
			t.Error("it does not wait")
		}
		closeSpool(t, s)
	}
}

func TestDiscard(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	for _, size := range []int64{4, -1} {
		d := create(t, s, size, "data")
		wantFiles(t, s, "tmp", 1)
		d.Discard()
		d.Discard()
		wantFiles(t, s, "tmp", 0)
		if s.used == 0 {
			t.Error("the room is free while readers keep the file on the disk")
		}
		buf := make([]byte, 4)
		if n, _ := d.ReadAt(buf, 0); string(buf[:n]) != "data" {
			t.Errorf("readers get %q", buf[:n])
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wantRoom(t, s, 0, 0)
	}
	d := create(t, s, 4, "data")
	if err := d.Close(); err != nil { // without a word before
		t.Error(err)
	}
	wantRoom(t, s, 0, 0)
	wantFiles(t, s, "", 0)
}

// A body of another length than its entry says is not committed.
func TestCommitOfAnotherLength(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	for _, size := range []int64{3, 5, -1, 0} {
		d := create(t, s, 10, "data")
		var length *cache.LengthError
		err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: size}})
		if !errors.As(err, &length) || length.Got != 4 || length.Want != size {
			t.Errorf("got %v", err)
		}
		d.Discard()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	wantRoom(t, s, 0, 0)
	wantAbsent(t, s, "k")
	wantFiles(t, s, "", 0)
}

// The first of two is the one that create-only writes would keep.
func TestCommitTwice(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	one, two := create(t, s, -1, "one"), create(t, s, 6, "second")
	for _, d := range []cache.Draft{one, two} {
		size := int64(d.(*draft).size)
		if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: size}}); err != nil {
			t.Error(err)
		}
	}
	buf := make([]byte, 6)
	if n, _ := two.ReadAt(buf, 0); string(buf[:n]) != "second" {
		t.Errorf("its own readers get %q", buf[:n])
	}
	for _, d := range []cache.Draft{one, two} {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	wantObject(t, s, "k", "one")
	wantRoom(t, s, 3, 1)
	wantFiles(t, s, "pending", 2)
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantObject(t, s, "k", "one")
	wantFiles(t, s, "dead", 0)
}

// A commit that failed half-way leaves nothing, neither now nor after a restart.
func TestCommitFails(t *testing.T) {
	f := func(what string, spoil func(s *Spool, d *draft) error) {
		t.Helper()
		dir := t.TempDir()
		s := openSpool(t, dir)
		d := create(t, s, 4, "data")
		if err := spoil(s, d.(*draft)); err != nil {
			t.Fatal(err)
		}
		if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4}}); err == nil {
			t.Errorf("%s: no error", what)
		}
		wantAbsent(t, s, "k")
		d.Discard()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wantRoom(t, s, 0, 0)
		closeSpool(t, s)
		s = openSpool(t, dir)
		defer closeSpool(t, s)
		wantAbsent(t, s, "k")
		wantRoom(t, s, 0, 0)
		if left := files(t, s, "pending"); len(left) != 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	of := func(d *draft) *entry {
		return &entry{name: name{hash: hashOf(id("k")), serial: d.serial, size: 4}, site: "assets"}
	}
	mkdir := func(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o700) }
	f("no place for the body", func(s *Spool, d *draft) error { return mkdir(s.bodyPath(of(d))) })
	f("no place for the record", func(s *Spool, d *draft) error { return mkdir(s.recordPath(of(d), waitingSuffix)) })
	f("no folder", func(s *Spool, d *draft) error {
		return os.WriteFile(filepath.Join(s.dir, "pending", "assets"), nil, 0o600)
	})
	f("a record in the way", func(s *Spool, d *draft) error {
		return mkdir(filepath.Join(s.dir, "tmp", of(d).hash.String()+waitingSuffix))
	})
}

func TestOpenRanges(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	commit(t, s, "k", "0123456789")
	commit(t, s, "empty", "")
	f := func(header, want string, start int64) {
		t.Helper()
		r, _ := cache.ParseRange(header)
		for _, headersOnly := range []bool{false, true} {
			obj, err := s.Open(id("k"), cache.ReadOptions{Range: &r, HeadersOnly: headersOnly})
			if err != nil {
				t.Errorf("%s: %v", header, err)
				continue
			}
			if !obj.Partial || obj.Start != start || obj.Length != int64(len(want)) || obj.Meta.Size != 10 {
				t.Errorf("%s: got %+v", header, obj)
			}
			if headersOnly {
				if obj.Body != nil {
					t.Errorf("%s: a body nobody asked for", header)
				}
				continue
			}
			if got, err := io.ReadAll(obj.Body); string(got) != want || err != nil {
				t.Errorf("%s: got %q, %v", header, got, err)
			}
			if err := obj.Body.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	f("bytes=0-", "0123456789", 0)
	f("bytes=0-0", "0", 0)
	f("bytes=3-5", "345", 3)
	f("bytes=9-", "9", 9)
	f("bytes=5-100", "56789", 5)
	f("bytes=-3", "789", 7)
	f("bytes=-100", "0123456789", 0)
	outside := func(key, header string, size int64) {
		t.Helper()
		r, _ := cache.ParseRange(header)
		var unmet *cache.RangeError
		if _, err := s.Open(id(key), cache.ReadOptions{Range: &r}); !errors.As(err, &unmet) || unmet.Size != size {
			t.Errorf("%s of %s: got %v", header, key, err)
		}
	}
	outside("k", "bytes=10-", 10)
	outside("k", "bytes=-0", 10)
	outside("empty", "bytes=0-", 0)
	wantObject(t, s, "empty", "")
	if _, err := s.Open(id("k"), cache.ReadOptions{IfMatch: `"of the bucket"`}); !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("if-match: got %v", err)
	}
}

// What is not as its record says is nobody's object: it is set aside, and the next request pulls anew.
func TestOpenOfDamaged(t *testing.T) {
	f := func(what string, spoil func(s *Spool, e *entry) error, aside int) {
		t.Run(what, func(t *testing.T) {
			s := openSpool(t, t.TempDir())
			defer closeSpool(t, s)
			commit(t, s, "k", "0123456789")
			if err := spoil(s, find(s, "k")); err != nil {
				t.Fatal(err)
			}
			wantAbsent(t, s, "k")
			wantAbsent(t, s, "k")
			wantRoom(t, s, 0, 0)
			wantFiles(t, s, "dead", aside)
			if got := s.Summary(); got.Aside != aside || got.Waiting != 0 {
				t.Errorf("got %+v", got)
			}
			commit(t, s, "k", "again")
			wantObject(t, s, "k", "again")
		})
	}
	f("shorter", func(s *Spool, e *entry) error { return os.Truncate(s.bodyPath(e), 6) }, 2)
	f("longer", func(s *Spool, e *entry) error { return os.Truncate(s.bodyPath(e), 11) }, 2)
	f("no body", func(s *Spool, e *entry) error { return os.Remove(s.bodyPath(e)) }, 1)
	f("no record", func(s *Spool, e *entry) error { return os.Remove(s.recordPath(e, waitingSuffix)) }, 1)
	f("another's record", func(s *Spool, e *entry) error {
		commit(t, s, "other", "0123456789")
		other := find(s, "other")
		defer func() { _ = takeOut(s, "other") }()
		return os.Rename(s.recordPath(other, waitingSuffix), s.recordPath(e, waitingSuffix))
	}, 2)
}

// A body that is cut while it is read is an error where it stops, never a clean end.
func TestReadOfDamaged(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	commit(t, s, "k", "0123456789")
	for first, want := range map[int64]string{0: "012345", 3: "345", 8: ""} {
		obj, err := s.Open(id("k"), cache.ReadOptions{Range: &cache.Range{First: first, Last: -1}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(s.bodyPath(find(s, "k")), 6); err != nil {
			t.Fatal(err)
		}
		var length *cache.LengthError
		if got, err := io.ReadAll(obj.Body); string(got) != want || !errors.As(err, &length) || errors.Is(err, io.EOF) {
			t.Errorf("from %d: got %q, %v", first, got, err)
		}
		obj.Body.Close()
		writeTo(t, s.bodyPath(find(s, "k")), "0123456789")
	}
}

func TestMaxBytes(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 100, MaxEntries: 10})
	defer closeSpool(t, s)
	full := func(size int64) {
		t.Helper()
		_, err := s.Create(size)
		if !errors.Is(err, cache.ErrNoRoom) || !strings.Contains(err.Error(), "spool.max_bytes") {
			t.Errorf("%d bytes: got %v", size, err)
		}
	}
	full(101)
	full(1<<63 - 1)
	commit(t, s, "a", strings.Repeat("a", 60))
	d := create(t, s, 40, "")
	wantRoom(t, s, 100, 2)
	full(1)
	full(1<<63 - 1)
	full(-1)
	empty := create(t, s, 0, "")
	wantRoom(t, s, 100, 3)
	for _, d := range []cache.Draft{d, empty} {
		d.Discard()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	wantRoom(t, s, 60, 1)
	full(41)
	wantFiles(t, s, "tmp", 0)
}

// More than was announced takes more room, or fails for lack of it.
func TestDraftOutgrowsItsSize(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 100, MaxEntries: 10})
	defer closeSpool(t, s)
	d := create(t, s, 4, "data")
	if n, err := d.Write([]byte("x")); n != 0 || !errors.Is(err, cache.ErrNoRoom) {
		t.Errorf("got %d, %v", n, err)
	}
	d.Discard()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantRoom(t, s, 0, 0)
}

func TestMaxEntries(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 100, MaxEntries: 2})
	defer closeSpool(t, s)
	commit(t, s, "a", "a")
	d := create(t, s, 1, "")
	_, err := s.Create(0)
	if !errors.Is(err, cache.ErrNoRoom) || !strings.Contains(err.Error(), "spool.max_entries") {
		t.Errorf("got %v", err)
	}
	wantRoom(t, s, 2, 2)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	commit(t, s, "b", "b")
	wantRoom(t, s, 2, 2)
}

// A body of unknown size takes room in steps of 64 MiB, and after its commit just what it has.
func TestUnknownSizeGrows(t *testing.T) {
	const step = 64 << 20
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 2*step + step/2, MaxEntries: 10})
	defer closeSpool(t, s)
	d := create(t, s, -1, "")
	wantRoom(t, s, step, 1)
	chunk := make([]byte, step/2)
	for i := range 5 {
		if _, err := d.Write(chunk); i < 4 && err != nil {
			t.Fatal(err)
		} else if i == 4 && !errors.Is(err, cache.ErrNoRoom) {
			t.Errorf("got %v", err)
		}
		wantRoom(t, s, min(2, int64(i/2+1))*step, 1)
	}
	if err := d.Commit(cache.Entry{ID: id("large"), Meta: cache.Meta{Size: 2 * step}}); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantRoom(t, s, 2*step, 1)
	commitUnknown := create(t, s, step/4, "tiny")
	if err := commitUnknown.Commit(cache.Entry{ID: id("tiny"), Meta: cache.Meta{Size: 4}}); err != nil {
		t.Fatal(err)
	}
	if err := commitUnknown.Close(); err != nil {
		t.Error(err)
	}
	wantRoom(t, s, 2*step+4, 2)
}

// A small spool takes bodies of unknown size, too.
func TestUnknownSizeInASmallSpool(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 100, MaxEntries: 10})
	defer closeSpool(t, s)
	d := create(t, s, -1, "data")
	wantRoom(t, s, 100, 1)
	if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantRoom(t, s, 4, 1)
}

func TestOneGatewayAtATime(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	commit(t, s, "k", "data")
	d := create(t, s, 4, "half")
	_, err := OpenSpool(dir, DefaultSpoolConfig(), quiet())
	if err == nil {
		t.Fatal("a second one was let in")
	}
	for _, part := range []string{dir, "process " + strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	wantFiles(t, s, "tmp", 1) // and it did no harm
	wantObject(t, s, "k", "data")
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	wantObject(t, s, "k", "data")
	closeSpool(t, s)
}

func TestOpenSpoolWithoutADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeTo(t, file, "")
	if _, err := OpenSpool(file, DefaultSpoolConfig(), quiet()); err == nil {
		t.Error("no error")
	}
	dir := t.TempDir()
	writeTo(t, filepath.Join(dir, "spool"), "")
	for range 2 { // and the lock is given back
		if _, err := OpenSpool(dir, DefaultSpoolConfig(), quiet()); err == nil || strings.Contains(err.Error(), "in use") {
			t.Errorf("got %v", err)
		}
	}
}

// Who looked into the bucket before an object was saved, and into the spool after that, has to be told.
func TestTombstones(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, dir)
		defer closeSpool(t, s)
		save := func(key string) {
			commit(t, s, key, "data")
			if err := takeOut(s, key); err != nil {
				t.Error(err)
			}
		}
		for _, pause := range []time.Duration{0, time.Second, 59 * time.Second, 61 * time.Second, 3 * time.Minute, time.Hour} {
			<-time.After(pause)
			save("k")
			wantAbsent(t, s, "k")
			<-time.After(30 * time.Second)
			save("other")
			<-time.After(30*time.Second - 1)
			if !s.Saved(id("k")) || !s.Saved(id("other")) {
				t.Errorf("after a pause of %v: forgotten within a minute", pause)
			}
		}
		<-time.After(2 * time.Minute)
		if s.Saved(id("k")) || s.Saved(id("other")) || len(s.saved.current)+len(s.saved.before) != 0 {
			t.Error("never forgotten")
		}
		wantRoom(t, s, 0, 0)
	})
}

// Keys are bytes and headers need not be UTF-8: JSON changes neither.
func TestRecordIsExact(t *testing.T) {
	dir := t.TempDir()
	keys := []string{
		"plain", "a b+c", "图片/é.png", "latin-1 \xe9\xff", "\xf0\x28\x8c\x28", "a//b", "../x", "/x", " lead", "trail ", "a\tb\nc",
		`"quoted"\`, "<&>\u2028", "\ufffd", "a.jpg?w=2", strings.Repeat("k", cache.MaxKey), "\x01\x7f", ".",
	}
	entries := map[string]cache.Entry{}
	s := openSpool(t, dir)
	for i, key := range keys {
		meta := cache.Meta{
			Size: int64(len(key)), ContentType: "text/plain", ContentDisposition: "attachment; filename=\"\xdcbung  " + strconv.Itoa(i) + "\"",
			CacheControl: "max-age=60,\tpublic", Expires: "<\xe9>", ContentLanguage: "de", ContentEncoding: "b64:YQ", AllowOrigin: "*",
			User:   map[string]string{"colour": "r\xf6t", "a": " b  c "},
			Replay: []cache.Field{{Name: "surrogate-key", Value: "\xff\xfe"}},
			Origin: cache.Provenance{
				Validators: cache.Validators{ETag: "\"\xe9\"", LastModified: time.Unix(1_600_000_000, 0).UTC()}, Lifetime: -1, NoCache: true,
				Target: "backup", Path: "old/\xe9", Rule: "images", Time: time.Unix(1_700_000_000, 0).UTC(),
				Size: int64(len(key)), MD5: "5d41402abc4b2a76b9719d911017c592",
			},
		}
		e := cache.Entry{ID: id(key), Meta: meta, Put: cache.PutOptions{StorageClass: `"<IA>&"`}}
		entries[key] = e
		commitEntry(t, s, e, key)
	}
	check := func() {
		t.Helper()
		for _, key := range keys {
			wantObject(t, s, key, key)
			obj, err := s.Open(id(key), cache.ReadOptions{HeadersOnly: true})
			if err != nil || !reflect.DeepEqual(obj.Meta, entries[key].Meta) {
				t.Errorf("%q: %v, got\n%+v, want\n%+v", key, err, obj, entries[key].Meta)
			}
		}
	}
	check()
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	check()
	synctest.Test(t, func(t *testing.T) {
		s.queue = newQueue() // of this test's clock
		for _, e := range s.index {
			s.queue.push(e, time.Time{})
		}
		b := &bucket{}
		w, stop := start(t, s, 2, b)
		if err := w.WaitIdle(t.Context()); err != nil {
			t.Error(err)
		}
		stop()
		for _, p := range b.tries() {
			e := entries[p.key]
			p.opts.Checkpoint = nil
			if p.data != p.key || !reflect.DeepEqual(p.opts, e.Put) || !reflect.DeepEqual(p.meta, e.Meta) {
				t.Errorf("%q was put as %+v", p.key, p)
			}
			delete(entries, p.key)
		}
	})
	if len(entries) != 0 || s.Waiting() != 0 {
		t.Errorf("%d were not put, %d wait", len(entries), s.Waiting())
	}
	wantRoom(t, s, 0, 0)
	wantFiles(t, s, "", 0)
}
