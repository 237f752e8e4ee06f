package cache_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// onSmallDisk runs f with a spool on a disk of so many bytes: a real one where the test may mount it, else one whose
// faults are made up. fill takes what room is left.
func onSmallDisk(t *testing.T, bytes int, f func(t *testing.T, r *rig, fill func())) {
	dir, mounted := smallDisk(t, bytes)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Limits{MaxPulls: 100, MaxWaiting: 1000, MaxNegative: 100}, newDisk(t, dir))
		ballast := filepath.Join(dir, "ballast")
		fill := func() { occupy(t, ballast) }
		if !mounted {
			r.spool.takes, r.spool.window = bytes, bytes
			fill = func() { r.spool.takes, r.spool.commitErr = -1, cache.ErrNoRoom }
		}
		f(t, r, fill)
		if err := os.RemoveAll(ballast); err != nil {
			t.Error(err)
		}
		r.end()
	})
}

// occupy writes until the disk is full.
func occupy(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.WriteString(text(1000))
	}
}

// A crowd of mixed speed and a body that is larger than the disk: each is answered, or cut for being too slow; nothing
// hangs, and nothing is kept.
func TestFullDisk(t *testing.T) {
	data := text(5 << 20)
	for _, size := range []int{-1, len(data)} {
		onSmallDisk(t, 2<<20, func(t *testing.T, r *rig, _ func()) {
			pieces := make(chan string, 100)
			load := r.sends(pieces, size)
			pieces <- data[:2]
			var slow []*reader
			for range 3 {
				slow = append(slow, r.reader(load))
			}
			stops := r.reader(load)
			var fast []*client
			for range 16 {
				fast = append(fast, r.client("k", load))
			}
			pieces <- data[2:]
			close(pieces)
			for i, one := range slow {
				r.clients.Go(func() {
					var err error
					for err == nil {
						<-time.After(time.Duration(i+1) * time.Second)
						err = one.read(100_000)
					}
					one.Body.Close()
					if one.wants(data); !errors.Is(err, io.ErrUnexpectedEOF) { // of the last piece, at a clean end
						t.Errorf("reader %d: %v", i, err)
					}
				})
			}
			if err := stops.read(1000); err != nil {
				t.Fatal(err)
			}
			wait(time.Hour)
			for _, c := range fast {
				c.wants(t, data)
			}
			if err := stops.read(5 << 20); err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("who had stopped got %v", err)
			}
			stops.wants(data[:len(stops.data)])
			stops.Body.Close()
			synctest.Wait()
			if r.absent("k"); r.loaded() != 1 || len(r.spool.committed()) != 0 {
				t.Errorf("%d pulls, %d commits", r.loaded(), len(r.spool.committed()))
			}
			if got, err := r.fill("small", r.answers("data")); err != nil || got.data != "data" {
				t.Errorf("with room again: %+v, %v", got, err)
			}
			if len(r.spool.committed()) != 1 {
				t.Error("with room again nothing is kept")
			}
		})
	}
}

// Even a disk without a free byte costs the copy only.
func TestDiskWithoutAByte(t *testing.T) {
	onSmallDisk(t, 1<<20, func(t *testing.T, r *rig, fill func()) {
		fill()
		for _, data := range []string{"", "x", "data", text(3 << 20)} {
			for _, size := range []int{-1, len(data)} {
				header := make(chan struct{})
				load := r.sends(feed(data), size, func(*cache.Pull) { <-header })
				clients := []*client{r.client("k", load), r.client("k", load)}
				close(header)
				synctest.Wait()
				for _, c := range clients {
					c.wants(t, data)
				}
				r.absent("k")
			}
		}
		if len(r.spool.committed()) != 0 {
			t.Errorf("committed %+v", r.spool.committed())
		}
	})
}
