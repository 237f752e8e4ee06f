package writeback

import (
	"io"
	"testing"

	"mirrorgate/cache"
)

// announced returns a draft of four bytes that knows what it is going to be.
func announced(t *testing.T, s *Spool, key string) (cache.Draft, cache.Entry) {
	t.Helper()
	d, err := s.Create(4)
	if err != nil {
		t.Fatal(err)
	}
	e := cache.Entry{ID: id(key), Meta: cache.Meta{Size: 4}}
	d.Announce(e)
	return d, e
}

// A small body whose pull fails before its end costs no file; one that is announced is written where it belongs, and is
// an object only once it is committed.
func TestLateFile(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	none, _ := announced(t, s, "none")
	wantFiles(t, s, "", 0)
	none.Discard()
	if err := none.Close(); err != nil {
		t.Error(err)
	}

	given, _ := announced(t, s, "given up")
	fill(t, given, "data")
	wantFiles(t, s, "pending", 1)
	wantAbsent(t, s, "given up")
	given.Discard()
	wantFiles(t, s, "pending", 0)
	if err := given.Close(); err != nil {
		t.Error(err)
	}

	kept, e := announced(t, s, "kept")
	fill(t, kept, "data")
	if err := kept.Commit(e); err != nil {
		t.Fatal(err)
	}
	kept.Discard()
	wantFiles(t, s, "tmp", 0)
	wantObject(t, s, "kept", "data")

	cut, _ := announced(t, s, "cut off")
	fill(t, cut, "da")
	wantRoom(t, s, 8, 2)
	closeSpool(t, s) // as a process that is killed
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	wantAbsent(t, s, "cut off")
	wantObject(t, s, "kept", "data")
	wantFiles(t, s, "pending", 2)
	wantRoom(t, s, 4, 1)
	for _, d := range []cache.Draft{kept, cut} {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A draft that becomes something else than was announced goes to the place of that.
func TestCommitElsewhere(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	d, e := announced(t, s, "k")
	fill(t, d, "data")
	e.ID = id("other")
	if err := d.Commit(e); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantAbsent(t, s, "k")
	wantObject(t, s, "other", "data")
	wantFiles(t, s, "", 2)
}

func fill(t *testing.T, d cache.Draft, data string) {
	t.Helper()
	if _, err := io.WriteString(d, data); err != nil {
		t.Fatal(err)
	}
}
