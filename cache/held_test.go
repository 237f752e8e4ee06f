package cache_test

import (
	"io"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// A small body of known size reaches its readers as it comes, and the spool at once when its end is proven. Then it
// takes no memory any more: a reader that is slow reads from the spool.
func TestSmallBodyIsHeld(t *testing.T) {
	f := func(size int, held bool) {
		eachSpool(t, func(t *testing.T, r *rig) {
			data, w := text(size), newWire()
			load := r.pulls(w, size, nil)
			var slow *reader
			r.clients.Go(func() { slow = r.reader(load) })
			synctest.Wait()
			w.send(data[:1000])
			synctest.Wait()
			if err := slow.read(999); err != nil {
				t.Fatal(err)
			}
			if inMemory := r.spool.written() == 0; inMemory != held {
				t.Errorf("%d bytes: the spool has %d bytes of the beginning", size, r.spool.written())
			}
			w.send(data[1000:])
			w.finish(io.EOF)
			synctest.Wait()
			if r.spool.written() != size {
				t.Errorf("%d bytes: the spool has %d at the end", size, r.spool.written())
			}
			r.spool.readErr = io.ErrClosedPipe
			if err := slow.read(1); err == nil {
				t.Errorf("%d bytes: they are still in memory", size)
			}
			slow.Body.Close()
		})
	}
	f(2000, true)
	f(64<<10, true)
	f(64<<10+1, false)
}

// A spool that takes nothing costs the copy of a small body, never the answer: not even that of who reads slowly.
func TestHeldBodyWithoutRoom(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, w := text(2000), newWire()
		r.spool.writeErr = cache.ErrNoRoom
		load := r.pulls(w, len(data), nil)
		var slow *reader
		r.clients.Go(func() { slow = r.reader(load) })
		synctest.Wait()
		w.send(data)
		w.finish(io.EOF)
		synctest.Wait()
		if _, _, flies := r.cache.Progress(r.site, "k"); flies {
			t.Error("it can still be joined")
		}
		if err := slow.read(len(data)); err != nil {
			t.Error(err)
		}
		slow.wants(data)
		if err := slow.read(1); err != io.EOF {
			t.Errorf("its end: %v", err)
		}
		slow.Body.Close()
		r.absent("k")
	})
}
