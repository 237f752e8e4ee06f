package writeback

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"mirrorgate/cache"
)

// A record that is cut anywhere is nobody's: the entry is set aside, and the object can be pulled anew.
func TestRecordCutAnywhere(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	commitProven(t, s, "k", "data")
	whole := read(t, s.recordPath(find(s, "k"), waitingSuffix))
	if err := takeOut(s, "k"); err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		commitProven(t, s, "k", "data")
		path := s.recordPath(find(s, "k"), waitingSuffix)
		writeTo(t, path, read(t, path)[:cut])
		s.mu.Lock()
		s.aside = 0 // the bound on what is kept aside is not meant here
		s.mu.Unlock()
		wantAbsent(t, s, "k")
		wantRoom(t, s, 0, 0)
	}
}

// The clock may be set back, between two starts too: entries keep the order in which they came.
func TestClockJumps(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	ahead := uint64(time.Now().Add(24 * time.Hour).UnixMicro())
	s.mu.Lock()
	s.serial = ahead // as if the clock had been a day ahead
	s.mu.Unlock()
	commit(t, s, "first", "data")
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	commit(t, s, "second", "data")
	first, second := find(s, "first"), find(s, "second")
	if first.serial <= ahead || second.serial <= first.serial {
		t.Errorf("serials %x and %x after %x", first.serial, second.serial, ahead)
	}
	if e, _ := s.queue.take(); e != first {
		t.Error("the later one goes first")
	}
}

// A disk that takes no file any more is an error of the pull's copy, and leaves nothing reserved.
func TestDiskThatTakesNothing(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	d := create(t, s, 4, "data")
	if err := os.RemoveAll(s.dir); err != nil { // as root any permission would do
		t.Fatal(err)
	}
	if _, err := s.Create(lateFile + 1); err == nil {
		t.Error("a draft without a file")
	}
	late, err := s.Create(4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(late, "data"); !errors.Is(err, cache.ErrNoRoom) {
		t.Errorf("a write without a file: %v", err)
	}
	late.Discard()
	if err := late.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: 4}}); err == nil {
		t.Error("a commit without a folder")
	}
	wantAbsent(t, s, "k")
	d.Discard()
	_ = d.Close() // its file is gone
	wantRoom(t, s, 0, 0)
}
