package writeback

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
)

// outgrow writes data until the spool has no more room, and returns the draft as a window, with how much it has taken.
func outgrow(t *testing.T, s *Spool, data string) (d cache.Draft, window int64, written int) {
	t.Helper()
	d, err := s.Create(-1)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil && written < len(data) {
		var n int
		n, err = io.WriteString(d, data[written:min(len(data), written+100_000)])
		written += n
	}
	if !errors.Is(err, cache.ErrNoRoom) {
		t.Fatalf("after %d bytes: %v", written, err)
	}
	return d, d.Wrap(), written
}

// wantLast fails unless the last n bytes of data, which is all that was written, can be read, at any place among them.
func wantLast(t *testing.T, d cache.Draft, data string, n int) {
	t.Helper()
	for _, behind := range []int{n, n/2 + 1, 10, 1} {
		off := len(data) - behind
		var got strings.Builder
		for off < len(data) {
			buf := make([]byte, len(data)-off)
			m, err := d.ReadAt(buf, int64(off))
			if m == 0 {
				t.Fatalf("at %d of %d: %v", off, len(data), err)
			}
			got.Write(buf[:m])
			off += m
		}
		if got.String() != data[len(data)-behind:] {
			t.Errorf("the last %d of %d bytes are others", behind, len(data))
		}
	}
}

func discard(t *testing.T, s *Spool, d cache.Draft) {
	t.Helper()
	d.Discard()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	wantRoom(t, s, 0, 0)
	wantFiles(t, s, "", 0)
}

// A spool that is full by its own bound lets a body pass through what it has reserved for it.
func TestWrapAtMaxBytes(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 1 << 20, MaxEntries: 10})
	defer closeSpool(t, s)
	data := random(3 << 20)
	d, window, written := outgrow(t, s, data)
	if window != 1<<20 || written > 1<<20 {
		t.Fatalf("a window of %d after %d bytes", window, written)
	}
	for _, n := range []int{0, 1, 100_000, 1 << 20, 700_001} { // over its end, over the whole of it
		if got, err := io.WriteString(d, data[written:written+n]); got != n || err != nil {
			t.Fatalf("wrote %d of %d, %v", got, n, err)
		}
		written += n
		wantLast(t, d, data[:written], min(written, 1<<20))
	}
	wantRoom(t, s, 1<<20, 1)
	if d.(*draft).ring != nil {
		t.Error("it is in memory")
	}
	if info, err := d.(*draft).file.Stat(); err != nil || info.Size() != 1<<20 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	discard(t, s, d)
}

// Where the spool has next to no room, the window is in memory.
func TestWrapWithoutRoom(t *testing.T) {
	for _, room := range []int64{1, 2, 100, leastWindow - 1} {
		s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: room, MaxEntries: 10})
		data := random(3 * leastWindow)
		d, window, written := outgrow(t, s, data)
		if window != leastWindow {
			t.Fatalf("a window of %d", window)
		}
		for written < len(data) {
			n, err := io.WriteString(d, data[written:min(len(data), written+99_999)])
			if written += n; err != nil {
				t.Fatal(err)
			}
			wantLast(t, d, data[:written], min(written, leastWindow))
		}
		if d.Wrap() != 0 {
			t.Error("a window in a window")
		}
		discard(t, s, d)
		closeSpool(t, s)
	}
}

// A reader that has found no window yet reads what it meant to, while the window is made: nothing of it is overwritten
// before the reader has passed it.
func TestWrapUnderReaders(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 1 << 20, MaxEntries: 10})
	defer closeSpool(t, s)
	data := random(2 << 20)
	d, err := s.Create(-1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(d, data[:1<<20]); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			buf := make([]byte, 100_000)
			for range 50 {
				off := 600_000 + i*100_000
				if n, _ := d.ReadAt(buf, int64(off)); string(buf[:n]) != data[off:off+n] || n == 0 {
					t.Errorf("at %d: got others", off)
				}
			}
		})
	}
	if d.Wrap() != 1<<20 {
		t.Error("no window")
	}
	if _, err := io.WriteString(d, data[1<<20:1<<20+600_000]); err != nil {
		t.Error(err)
	}
	readers.Wait()
	discard(t, s, d)
}

// What has passed through a window is not whole, whatever its length.
func TestCommitOfAWindow(t *testing.T) {
	s := openSpoolWith(t, t.TempDir(), SpoolConfig{MaxBytes: 1 << 20, MaxEntries: 10})
	defer closeSpool(t, s)
	d, _, written := outgrow(t, s, random(3<<20))
	if err := d.Commit(cache.Entry{ID: id("k"), Meta: cache.Meta{Size: int64(written)}}); err == nil {
		t.Error("it was kept")
	}
	wantAbsent(t, s, "k")
	discard(t, s, d)
}

// A disk that fills up while the window is made longer for the first time: what it has taken becomes the window.
func TestWrapAgain(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	data := random(2 * leastWindow)
	made := create(t, s, -1, data[:leastWindow+1000])
	d := made.(*draft)
	if d.Wrap() != reserveStep {
		t.Error("the window is not what was reserved")
	}
	if err := d.noRoom(unix.EDQUOT); !errors.Is(err, cache.ErrNoRoom) || !errors.Is(err, unix.EDQUOT) {
		t.Errorf("got %v", err)
	}
	if got := d.Wrap(); got != leastWindow+1000 {
		t.Errorf("a window of %d", got)
	}
	if _, err := io.WriteString(d, data[leastWindow+1000:leastWindow+3000]); err != nil {
		t.Error(err)
	}
	wantLast(t, d, data[:leastWindow+3000], leastWindow+1000)
	if d.Wrap() != 0 {
		t.Error("a window that has been overwritten is made anew")
	}
	discard(t, s, d)
}

func TestNoRoom(t *testing.T) {
	d := &draft{}
	if err := d.noRoom(nil); err != nil || d.full {
		t.Errorf("got %v", err)
	}
	if err := d.noRoom(unix.EIO); !errors.Is(err, unix.EIO) || errors.Is(err, cache.ErrNoRoom) || d.full {
		t.Errorf("got %v", err)
	}
	if err := d.noRoom(unix.ENOSPC); !errors.Is(err, cache.ErrNoRoom) || !d.full {
		t.Errorf("got %v", err)
	}
}
