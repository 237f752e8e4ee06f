package writeback

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// commitProven puts an object into the spool with its checksum, as a pull does.
func commitProven(t *testing.T, s *Spool, key, data string) {
	t.Helper()
	sum := md5.Sum([]byte(data))
	meta := cache.Meta{Size: int64(len(data))}
	meta.Origin = cache.Provenance{Time: time.Unix(1, 0), Size: meta.Size, MD5: hex.EncodeToString(sum[:])}
	commitEntry(t, s, cache.Entry{ID: id(key), Meta: meta}, data)
}

// A power cut may leave bodies of the right length with other bytes: they are neither served nor saved. After the end of
// the process alone nothing is read twice, and what is found then is what was written.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, dir)
		for _, key := range []string{"good", "zeros", "zeros too", "headers"} {
			commitProven(t, s, key, "data of "+key)
		}
		commit(t, s, "unknown", "data of unknown") // without a checksum
		for _, key := range []string{"zeros", "zeros too", "headers"} {
			writeTo(t, s.bodyPath(find(s, key)), string(make([]byte, len("data of "+key))))
		}
		boot := filepath.Join(dir, "boot-id")
		closeSpool(t, s)
		s = openSpool(t, dir)
		if find(s, "good").suspect != nil {
			t.Error("a restart of the process makes all suspect")
		}
		closeSpool(t, s)

		writeTo(t, boot, "another")
		s = openSpool(t, dir)
		for range 2 {
			wantObject(t, s, "good", "data of good")
			wantObject(t, s, "unknown", "data of unknown")
			wantAbsent(t, s, "zeros")
		}
		if obj, err := s.Open(id("headers"), cache.ReadOptions{HeadersOnly: true}); err == nil {
			t.Errorf("got %+v", obj)
		}
		b := &bucket{put: func(context.Context, string) error { return nil }}
		_, stop := start(t, s, 2, b)
		synctest.Wait()
		stop()
		if got := b.keys(); got != "good unknown" && got != "unknown good" {
			t.Errorf("saved %q", got)
		}
		wantFiles(t, s, "dead", 6)
		wantRoom(t, s, 0, 0)
		closeSpool(t, s)
	})
}

// A body that cannot be read is neither right nor damaged: it is looked at again.
func TestCheckAgain(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	commitProven(t, s, "k", "data")
	e := find(s, "k")
	e.suspect = new(suspect)
	got, err := s.read(e, true)
	if err != nil {
		t.Fatal(err)
	}
	_ = got.body.Close() // so that reading fails
	if err := e.check(got); err == nil || errors.Is(err, errDamaged) {
		t.Errorf("got %v", err)
	}
	wantObject(t, s, "k", "data")
	if !e.suspect.cleared {
		t.Error("it is checked for ever")
	}
}
