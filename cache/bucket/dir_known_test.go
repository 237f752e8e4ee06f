package bucket

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// edit changes the text of a record.
func edit(t *testing.T, d *Dir, key, from, to string) {
	t.Helper()
	name := filepath.Join(d.root.Name(), filepath.FromSlash(d.place(key).settledRecord()))
	data, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, []byte(strings.ReplaceAll(string(data), from, to)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A record that somebody edits or removes by hand is seen after a while, and at once when the file is another.
func TestDirRecordEditedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDir(t, t.TempDir(), "")
		put(t, d, "k", "old", cache.Meta{ContentType: "text/x-old"})
		says := func(want string) {
			t.Helper()
			if m := head(t, d, "k"); m.ContentType != want {
				t.Errorf("type %q, want %q", m.ContentType, want)
			}
		}
		says("text/x-old")
		edit(t, d, "k", "x-old", "x-edited")
		<-time.After(knownFor)
		says("text/x-old")
		<-time.After(time.Nanosecond)
		says("text/x-edited")
		if err := os.RemoveAll(filepath.Join(d.root.Name(), recordDir)); err != nil {
			t.Fatal(err)
		}
		says("text/x-edited")
		<-time.After(knownFor + 1)
		says("application/octet-stream")
		o := cache.PutOptions{IfMatch: head(t, d, "k").Bucket.ETag}
		if err := d.Put(t.Context(), "k", strings.NewReader("new"), cache.Meta{Size: 3, ContentType: "text/x-new"}, o); err != nil {
			t.Fatal(err)
		}
		says("text/x-new")
	})
}

// What is remembered of a file is not taken for another's, whoever puts that in its place.
func TestDirKnownBelongsToOneFile(t *testing.T) {
	path := t.TempDir()
	d, other := openDir(t, path, ""), openDir(t, path, "")
	put(t, d, "k", "one", cache.Meta{ContentType: "text/x-1"})
	for n := 2; n < 20; n++ {
		tag := head(t, d, "k").Bucket.ETag
		meta := cache.Meta{Size: 3, ContentType: fmt.Sprintf("text/x-%d", n)}
		if err := other.Put(t.Context(), "k", strings.NewReader(fmt.Sprintf("%3d", n)), meta, cache.PutOptions{IfMatch: tag}); err != nil {
			t.Fatal(err)
		}
		if m := head(t, d, "k"); m.ContentType != meta.ContentType {
			t.Errorf("%q has the type %q", meta.ContentType, m.ContentType)
		}
		check(t, d, "k", fmt.Sprintf("%3d", n))
	}
	if put(t, d, "l", "l", cache.Meta{}); head(t, d, "l").Size != 1 || d.known.slot("l").Load() == nil {
		t.Error("what was read is not remembered")
	}
	if err := write1(t, d, "l", head(t, d, "l").Bucket.ETag); err != nil || d.known.slot("l").Load() != nil {
		t.Errorf("what was replaced is remembered; %v", err)
	}
	writeFile(t, filepath.Join(path, "k"), "in", time.Unix(1_500_000_000, 0))
	if m := head(t, d, "k"); m.ContentType != "application/octet-stream" {
		t.Errorf("a file that was copied over it has the type %q", m.ContentType)
	}
}

// The memory is bounded: each key has one slot, and what shares it takes turns.
func TestDirKnownIsBounded(t *testing.T) {
	k := newKnown()
	id := identity{Size: 1, MTime: 2, Inode: 3}
	for n := range 2 * knownSlots {
		k.keep(fmt.Sprint(n), id, cache.Meta{}, 100)
	}
	held := 0
	for n := range 2 * knownSlots {
		if k.of(fmt.Sprint(n), id) != nil {
			held++
		}
	}
	if held < knownSlots/2 || held > knownSlots {
		t.Errorf("%d are remembered of %d", held, 2*knownSlots)
	}
	k.keep("long", id, cache.Meta{}, maxKnown+1)
	if k.of("long", id) != nil {
		t.Error("a long record is remembered")
	}
	k.keep("k", id, cache.Meta{}, maxKnown)
	neighbour := 0
	for k.slot(fmt.Sprint(neighbour)) != k.slot("k") {
		neighbour++
	}
	if k.of("k", identity{Size: 1, MTime: 2, Inode: 4}) != nil || k.of(fmt.Sprint(neighbour), id) != nil || k.of("k", id) == nil {
		t.Error("what is remembered is that of another file or key")
	}
	if k.forget("k"); k.of("k", id) != nil {
		t.Error("what was forgotten is remembered")
	}
}
