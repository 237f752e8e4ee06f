package writeback

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mirrorgate/cache"
)

func TestRecover(t *testing.T) {
	dir := dataDir(t)
	s := openSpool(t, dir)
	for _, key := range []string{"a", "b", "c"} {
		commit(t, s, key, "data of "+key)
	}
	half := create(t, s, 100, "half")
	other := create(t, s, -1, "half")
	writeTo(t, other.(*draft).path(recordSuffix), "{}")
	_ = half.(*draft).file.Close() // what is left by a process that died
	_ = other.(*draft).file.Close()
	if err := s.remove(s.index[id("b")]); err != nil {
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
	dir := dataDir(t)
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
		if err := s.remove(s.index[id(key)]); err != nil {
			t.Error(err)
		}
	}
	commit(t, s, "c", "data")
	wantRoom(t, s, 4, 1)
}

// A body was renamed and its record not yet: it was never promised to anybody.
func TestRecoverDropsBodiesWithoutRecord(t *testing.T) {
	dir := dataDir(t)
	s := openSpool(t, dir)
	commit(t, s, "k", "data")
	e := s.index[id("k")]
	if err := os.Remove(s.path(e, recordSuffix)); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantFiles(t, s, "", 0)
	wantRoom(t, s, 0, 0)
}

// What cannot be trusted is set aside with all its bytes, and the rest is taken up.
func TestRecoverSetsAside(t *testing.T) {
	f := func(what string, spoil func(t *testing.T, record, body string), bodies int) {
		t.Run(what, func(t *testing.T) {
			dir := dataDir(t)
			s := openSpool(t, dir)
			commit(t, s, "good", "good")
			commit(t, s, "bad", "bad data")
			e := s.index[id("bad")]
			spoil(t, s.path(e, recordSuffix), s.path(e, bodySuffix))
			record, body := read(t, s.path(e, recordSuffix)), ""
			if bodies == 1 {
				body = read(t, s.path(e, bodySuffix))
			}
			closeSpool(t, s)
			for range 2 {
				s = openSpool(t, dir)
				wantObject(t, s, "good", "good")
				wantAbsent(t, s, "bad")
				wantRoom(t, s, 4, 1)
				wantFiles(t, s, "pending", 2)
				wantFiles(t, s, "dead", 1+bodies)
				if got := read(t, filepath.Join(s.dir, "dead", e.name+recordSuffix)); got != record {
					t.Errorf("the record has become %q", got)
				}
				if bodies == 1 {
					if got := read(t, filepath.Join(s.dir, "dead", e.name+bodySuffix)); got != body {
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
	f("older version", change(func(r *record) { r.Version = 0 }), 1)
	f("newer version", change(func(r *record) { r.Version = 2 }), 1)
	f("no site", change(func(r *record) { r.Site = "" }), 1)
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

// Two entries of one object, after a crash in the second one's commit: one waits, the other is set aside.
func TestRecoverTwice(t *testing.T) {
	dir := dataDir(t)
	s := openSpool(t, dir)
	commit(t, s, "k", "data")
	d := create(t, s, 4, "DATA").(*draft)
	raw, err := json.Marshal(newRecord(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4}}))
	if err != nil {
		t.Fatal(err)
	}
	again := &entry{name: d.name}
	writeTo(t, s.path(again, recordSuffix), string(raw))
	if err := errors.Join(os.Rename(d.path(bodySuffix), s.path(again, bodySuffix)), d.Close()); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	for range 2 {
		s = openSpool(t, dir)
		wantRoom(t, s, 4, 1)
		wantFiles(t, s, "pending", 2)
		wantFiles(t, s, "dead", 2)
		obj, err := s.Open(id("k"), cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(obj.Body); !strings.EqualFold(string(got), "data") || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if err := obj.Body.Close(); err != nil {
			t.Error(err)
		}
		closeSpool(t, s)
	}
}

// A body that is no file, or an entry in a foreign folder, is not followed anywhere.
func TestRecoverSetsAsideOddFiles(t *testing.T) {
	dir := dataDir(t)
	s := openSpool(t, dir)
	commit(t, s, "link", "data")
	commit(t, s, "moved", "data")
	link, moved := s.index[id("link")], s.index[id("moved")]
	outside := filepath.Join(t.TempDir(), "outside")
	writeTo(t, outside, "data")
	if err := errors.Join(os.Remove(s.path(link, bodySuffix)), os.Symlink(outside, s.path(link, bodySuffix))); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(s.dir, "pending", "00")
	if strings.HasSuffix(moved.name, "00") {
		foreign = filepath.Join(s.dir, "pending", "01")
	}
	for _, suffix := range []string{bodySuffix, recordSuffix} {
		if err := os.Rename(s.path(moved, suffix), filepath.Join(foreign, moved.name+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	writeTo(t, filepath.Join(foreign, ".json"), "{}")
	writeTo(t, filepath.Join(foreign, "x.json"), "{}")
	writeTo(t, filepath.Join(foreign, "notes.txt"), "somebody's")
	if err := os.Mkdir(filepath.Join(foreign, "folder.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantAbsent(t, s, "link")
	wantAbsent(t, s, "moved")
	wantRoom(t, s, 0, 0)
	if got := files(t, s, "pending"); !slices.Equal(got, []string{"notes.txt"}) {
		t.Errorf("pending has %v", got)
	}
	wantFiles(t, s, "dead", 6)
	if read(t, outside) != "data" {
		t.Error("the file that a link led to has changed")
	}
}

// An entry that cannot even be set aside stays, bytes and all.
func TestRecoverKeepsWhatItCannotSetAside(t *testing.T) {
	dir := dataDir(t)
	s := openSpool(t, dir)
	commit(t, s, "k", "data")
	e := s.index[id("k")]
	writeTo(t, s.path(e, recordSuffix), "nonsense")
	if err := os.Mkdir(filepath.Join(s.dir, "dead", e.name+bodySuffix), 0o700); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	for range 2 {
		s = openSpool(t, dir)
		wantAbsent(t, s, "k")
		if read(t, s.path(e, bodySuffix)) != "data" || read(t, s.path(e, recordSuffix)) != "nonsense" {
			t.Error("it has changed")
		}
		closeSpool(t, s)
	}
}

// Entries are taken up in the order they came, as far as they lie in one folder.
func TestRecoverOrder(t *testing.T) {
	dir := dataDir(t)
	s := openSpool(t, dir)
	var want []string
	for _, key := range []string{"c", "a", "b", "d"} {
		d := create(t, s, 0, "").(*draft)
		name := d.name[:len(d.name)-2] + "7f"
		if err := os.Rename(d.path(bodySuffix), filepath.Join(s.dir, "tmp", name+bodySuffix)); err != nil {
			t.Fatal(err)
		}
		d.name = name
		if err := errors.Join(d.Commit(cache.Entry{ID: id(key)}), d.Close()); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	var got []string
	for range want {
		e, ok := s.queue.next(t.Context())
		if !ok {
			t.Fatal("nothing is due")
		}
		got = append(got, e.id.Key)
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

// Whatever a record says, recovery ends without an error; the entry either waits with all its bytes, or is set
// aside with them.
func FuzzRecover(f *testing.F) {
	good, err := json.Marshal(newRecord(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4, ContentType: "text/plain"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good), "data")
	f.Add(string(good), "data!")
	f.Add(string(good[:len(good)/2]), "data")
	f.Add(strings.Replace(string(good), `"Version":1`, `"Version":2`, 1), "data")
	f.Add("null", "")
	f.Add(`{"Version":1,"Site":"\u0000","Key":"//8=","Meta":{"Size":0}}`, "")
	f.Add(string(good)+string(good), "data")
	s := openSpool(f, f.TempDir())
	defer closeSpool(f, s)
	shard, dead := filepath.Join(s.dir, "pending", "aa"), filepath.Join(s.dir, "dead")
	f.Fuzz(func(t *testing.T, record, body string) {
		s.used, s.objects, s.index, s.queue = 0, 0, map[cache.ID]*entry{}, newQueue()
		writeTo(t, filepath.Join(shard, "0-aa.json"), record)
		writeTo(t, filepath.Join(shard, "0-aa.body"), body)
		if err := s.recoverDir(shard); err != nil {
			t.Fatal(err)
		}
		folder := dead
		for of := range s.index {
			folder = shard
			wantRoom(t, s, int64(len(body)), 1)
			obj, err := s.Open(of, cache.ReadOptions{HeadersOnly: true})
			if err != nil || obj.Meta.Size != int64(len(body)) {
				t.Errorf("%q: got %+v, %v", of, obj, err)
			}
		}
		for name, want := range map[string]string{"0-aa.json": record, "0-aa.body": body} {
			if got := read(t, filepath.Join(folder, name)); got != want {
				t.Errorf("%s has become %q", name, got)
			}
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
