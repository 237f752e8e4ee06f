package writeback

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mirrorgate/cache"
)

func TestRecover(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	for _, key := range []string{"a", "b", "c"} {
		commit(t, s, key, "data of "+key)
	}
	half := create(t, s, 100, "half")
	other := create(t, s, -1, "half")
	writeTo(t, filepath.Join(s.dir, "tmp", find(s, "a").hash.String()+waitingSuffix), "{}")
	_ = half.(*draft).file.Close() // what is left by a process that died
	_ = other.(*draft).file.Close()
	if err := takeOut(s, "b"); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)

	for range 2 {
		s = openSpool(t, dir)
		wantObject(t, s, "a", "data of a")
		wantObject(t, s, "c", "data of c")
		wantAbsent(t, s, "b")
		wantRoom(t, s, 18, 2)
		wantFiles(t, s, "tmp", 0)
		wantFiles(t, s, "pending", 4)
		wantFiles(t, s, "dead", 0)
		closeSpool(t, s)
	}
}

// More may wait than the bounds allow now: it is kept, and nothing new is taken until there is room.
func TestRecoverMoreThanTheBounds(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	commit(t, s, "a", "data")
	commit(t, s, "b", "data")
	closeSpool(t, s)
	s = openSpoolWith(t, dir, SpoolConfig{MaxBytes: 5, MaxEntries: 1})
	defer closeSpool(t, s)
	wantRoom(t, s, 8, 2)
	if _, err := s.Create(0); !errors.Is(err, cache.ErrNoRoom) {
		t.Errorf("got %v", err)
	}
	for _, key := range []string{"a", "b"} {
		wantObject(t, s, key, "data")
		if err := takeOut(s, key); err != nil {
			t.Error(err)
		}
	}
	commit(t, s, "c", "data")
	wantRoom(t, s, 4, 1)
}

// A body was renamed and its record not yet: it was never promised to anybody.
func TestRecoverDropsBodiesWithoutRecord(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	commit(t, s, "k", "data")
	e := find(s, "k")
	if err := os.Remove(s.recordPath(e, waitingSuffix)); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantFiles(t, s, "", 0)
	wantRoom(t, s, 0, 0)
}

// What cannot be trusted is set aside with all its bytes once it is looked at, and the rest is taken up.
func TestRecoverSetsAside(t *testing.T) {
	f := func(what string, spoil func(t *testing.T, record, body string), bodies int) {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			s := openSpool(t, dir)
			commit(t, s, "good", "good")
			commit(t, s, "bad", "bad data")
			e := find(s, "bad")
			spoil(t, s.recordPath(e, waitingSuffix), s.bodyPath(e))
			record, body := read(t, s.recordPath(e, waitingSuffix)), ""
			if bodies == 1 {
				body = read(t, s.bodyPath(e))
			}
			closeSpool(t, s)
			for range 2 {
				s = openSpool(t, dir)
				wantObject(t, s, "good", "good")
				wantAbsent(t, s, "bad")
				wantRoom(t, s, 4, 1)
				wantFiles(t, s, "pending", 2)
				wantFiles(t, s, "dead", 1+bodies)
				if got := read(t, filepath.Join(s.dir, "dead", e.hash.String()+waitingSuffix)); got != record {
					t.Errorf("the record has become %q", got)
				}
				if bodies == 1 {
					if got := read(t, filepath.Join(s.dir, "dead", e.bodyFile())); got != body {
						t.Errorf("the body has become %q", got)
					}
				}
				closeSpool(t, s)
			}
		})
	}
	write := func(text string) func(t *testing.T, record, body string) {
		return func(t *testing.T, record, _ string) { writeTo(t, record, text) }
	}
	change := func(alter func(r *record)) func(t *testing.T, record, body string) {
		return func(t *testing.T, path, _ string) {
			r, err := readRecord(path)
			if err != nil {
				t.Fatal(err)
			}
			alter(&r)
			raw, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			writeTo(t, path, string(raw))
		}
	}
	f("cut", func(t *testing.T, record, _ string) { writeTo(t, record, read(t, record)[:40]) }, 1)
	f("empty", write(""), 1)
	f("no JSON", write("\x00\x01\x02"), 1)
	f("null", write("null"), 1)
	f("a list", write("[]"), 1)
	f("of other types", write(`{"Version":"1","Site":[],"Key":1}`), 1)
	f("huge", func(t *testing.T, record, _ string) {
		writeTo(t, record, read(t, record)+strings.Repeat(" ", maxRecord))
	}, 1)
	f("huge value", change(func(r *record) { r.Meta.User = map[string]string{"a": strings.Repeat("x", maxRecord)} }), 1)
	f("deep", write(strings.Repeat("[", 100_000)), 1)
	f("older version", change(func(r *record) { r.Version = recordVersion - 1 }), 1)
	f("newer version", change(func(r *record) { r.Version = recordVersion + 1 }), 1)
	f("no site", change(func(r *record) { r.Site = "" }), 1)
	f("another site", change(func(r *record) { r.Site = "other" }), 1)
	f("another serial", change(func(r *record) { r.Serial++ }), 1)
	f("a replacement", change(func(r *record) { r.Put.IfMatch = `"x"` }), 1)
	f("no key", change(func(r *record) { r.Key = nil }), 1)
	f("negative size", change(func(r *record) { r.Meta.Size = -1 }), 1)
	f("lies: smaller", change(func(r *record) { r.Meta.Size = 7 }), 1)
	f("lies: larger", change(func(r *record) { r.Meta.Size = 9 }), 1)
	f("the body is shorter", func(t *testing.T, _, body string) { writeTo(t, body, "bad") }, 1)
	f("the body is longer", func(t *testing.T, _, body string) { writeTo(t, body, "bad data!") }, 1)
	f("the body is missing", func(t *testing.T, _, body string) {
		if err := os.Remove(body); err != nil {
			t.Fatal(err)
		}
	}, 0)
}

// What is no file of the spool's, or lies where it does not belong, is set aside and not followed anywhere.
func TestRecoverSetsAsideOddFiles(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	commit(t, s, "link", "data")
	commit(t, s, "moved", "data")
	link, moved := find(s, "link"), find(s, "moved")
	outside := filepath.Join(t.TempDir(), "outside")
	writeTo(t, outside, "data")
	foreign := filepath.Join(s.dir, "pending", "assets", "zz")
	err := errors.Join(os.Remove(s.bodyPath(link)), os.Symlink(outside, s.bodyPath(link)), os.Mkdir(foreign, 0o700))
	for _, path := range []string{s.bodyPath(moved), s.recordPath(moved, waitingSuffix)} {
		err = errors.Join(err, os.Rename(path, filepath.Join(foreign, filepath.Base(path))))
	}
	for _, folder := range []string{"assets/zz/folder.json", "No Site/00", "assets/yy"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(s.dir, "pending", folder), 0o700))
	}
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, filepath.Join(foreign, ".json"), "{}")
	writeTo(t, filepath.Join(foreign, "notes.txt"), "somebody's")
	writeTo(t, filepath.Join(s.dir, "pending", "file"), "")
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantAbsent(t, s, "link")
	wantAbsent(t, s, "moved")
	wantRoom(t, s, 0, 0)
	wantFiles(t, s, "pending", 0)
	if got := files(t, s, "dead"); len(got) != 7 || !slices.Contains(got, "notes.txt") { // a folder is none of them
		t.Errorf("dead has %v", got)
	}
	if read(t, outside) != "data" {
		t.Error("the file that a link led to has changed")
	}
}

// An entry that cannot even be set aside stays, bytes and all.
func TestRecoverKeepsWhatItCannotSetAside(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	commit(t, s, "k", "data")
	e := find(s, "k")
	writeTo(t, s.recordPath(e, waitingSuffix), "nonsense")
	for range maxAside {
		s.aside++
	}
	wantAbsent(t, s, "k")
	wantAbsent(t, s, "k")
	if read(t, s.bodyPath(e)) != "data" || read(t, s.recordPath(e, waitingSuffix)) != "nonsense" {
		t.Error("it has changed")
	}
	wantRoom(t, s, 0, 0)
	closeSpool(t, s)
}

// Entries are taken up in the order they came.
func TestRecoverOrder(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	var want []hash
	for _, key := range []string{"c", "a", "b", "d", "x", "e"} {
		commit(t, s, key, key)
		want = append(want, find(s, key).hash)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	var got []hash
	for range want {
		e, ok := s.queue.next(t.Context())
		if !ok {
			t.Fatal("nothing is due")
		}
		got = append(got, e.hash)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Whatever a record says, the entry is either served with all its bytes, or set aside with them.
func FuzzRecord(f *testing.F) {
	e := cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4, ContentType: "text/plain"}}
	good, err := json.Marshal(newRecord(e, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good), "data")
	f.Add(string(good), "data!")
	f.Add(string(good[:len(good)/2]), "data")
	f.Add(strings.Replace(string(good), `"Version":2`, `"Version":3`, 1), "data")
	f.Add("null", "")
	f.Add(`{"Version":2,"Site":"\u0000","Key":"//8=","Meta":{"Size":0}}`, "")
	f.Add(string(good)+string(good), "data")
	s := openSpool(f, f.TempDir())
	defer closeSpool(f, s)
	f.Fuzz(func(t *testing.T, record, body string) {
		s.used, s.objects, s.index, s.queue, s.aside = 0, 0, map[hash]*entry{}, newQueue(), 0
		at := &entry{name: name{hash: hashOf(id("k")), serial: 1, size: int64(len(body))}, site: "assets"}
		if err := os.MkdirAll(s.folder(at), 0o700); err != nil {
			t.Fatal(err)
		}
		writeTo(t, s.recordPath(at, waitingSuffix), record)
		writeTo(t, s.bodyPath(at), body)
		if err := s.recoverSites(filepath.Join(s.dir, "pending")); err != nil {
			t.Fatal(err)
		}
		wantRoom(t, s, int64(len(body)), 1)
		folder := s.folder(at)
		obj, err := s.Open(id("k"), cache.ReadOptions{HeadersOnly: true})
		if err != nil {
			folder = filepath.Join(s.dir, "dead")
			wantRoom(t, s, 0, 0)
		} else if obj.Meta.Size != int64(len(body)) {
			t.Errorf("got %+v", obj)
		}
		for _, path := range []string{s.recordPath(at, waitingSuffix), s.bodyPath(at)} {
			want := map[bool]string{true: body, false: record}[path == s.bodyPath(at)]
			moved := filepath.Join(folder, filepath.Base(path))
			if got := read(t, moved); got != want {
				t.Errorf("%s has become %q", path, got)
			}
			if err := os.Remove(moved); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Names of files are read back only if they are exactly what would be written.
func FuzzFileNames(f *testing.F) {
	n := name{hash: hashOf(id("k")), serial: 7, size: 123, replaces: true}
	for _, s := range []string{n.bodyFile(), n.hash.String() + waitingSuffix, n.hash.String() + deadSuffix, uploadFile(n), "", "...", "x.json"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if n, ok := parseBodyFile(file); ok && n.bodyFile() != file {
			t.Errorf("%q is read as %+v", file, n)
		}
		if h, dead, ok := parseRecordFile(file); ok {
			suffix := map[bool]string{true: deadSuffix, false: waitingSuffix}[dead]
			if h.String()+suffix != file {
				t.Errorf("%q is read as %v, %v", file, h, dead)
			}
		}
		if n, ok := parseUploadFile(file); ok && uploadFile(n) != file {
			t.Errorf("%q is read as %+v", file, n)
		}
	})
}
