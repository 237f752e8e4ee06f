package cache_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

func TestFillHerd(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, w := text(100_000), newWire()
		load := r.pulls(w, len(data), nil)
		var clients []*client
		for range 200 {
			c := &client{}
			clients = append(clients, c)
			r.clients.Go(func() { c.run(r, "k", r.opts, load, nil) })
		}
		synctest.Wait()
		w.send(data[:60_000])
		w.send(data[60_000:])
		w.finish(io.EOF)
		first := 0
		for _, c := range clients {
			c.wants(t, data)
			obj, _, _ := c.got()
			if !obj.Pull.Collapsed {
				first++
			}
			if obj.Tier != cache.TierPull || !obj.Pull.Kept || obj.Pull.Reason != "" || obj.Pull.Target != "primary" ||
				obj.Length != int64(len(data)) || obj.Meta.Size != obj.Length || obj.Partial {
				t.Errorf("got %+v", obj)
			}
		}
		if first != 1 || r.loaded() != 1 || len(r.spool.committed()) != 1 || r.bucket.opened() != 0 {
			t.Errorf("%d did not join, %d pulls, %d commits, %d looks into the bucket",
				first, r.loaded(), len(r.spool.committed()), r.bucket.opened())
		}
	})
}

// Keys and sites do not join each other.
func TestFillOfOtherKeysAndSites(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w := newWire()
		one := r.client("k", r.pulls(w, 4, nil))
		if got, err := r.fill("K", r.answers("other key")); err != nil || got.data != "other key" {
			t.Errorf("got %+v, %v", got, err)
		}
		other := *r.site
		other.Name = "other"
		obj, err := r.cache.Fill(&other, "k", r.opts, r.answers("other site"))
		if err != nil || readAll(t, obj) != "other site" {
			t.Errorf("got %v, %v", obj, err)
		}
		w.send("mine")
		w.finish(io.EOF)
		one.wants(t, "mine")
	})
}

func TestFillLateJoinerBeginsAtTheStart(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, w := text(50_000), newWire()
		load := r.pulls(w, -1, nil)
		r.client("k", load)
		w.send(data[:20_000])
		late := r.client("k", load)
		if obj, got, _ := late.got(); got != data[:20_000-1] || !obj.Pull.Collapsed {
			t.Errorf("joined and got %d bytes, %+v", len(got), obj)
		}
		w.send(data[20_000:])
		last := r.client("k", load)
		w.finish(io.EOF)
		late.wants(t, data)
		last.wants(t, data)
		if r.loaded() != 1 {
			t.Errorf("%d pulls", r.loaded())
		}
	})
}

// Whoever leaves, at whatever time: the pull goes on and is kept.
func TestFillLeavers(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, w := text(50_000), newWire()
		load := r.pulls(w, len(data), nil)
		leave := make(chan struct{})
		leaver := func(read int64) {
			r.clients.Go(func() {
				obj, err := r.cache.Fill(r.site, "k", r.opts, load)
				if err != nil {
					t.Error(err)
					return
				}
				if n, err := io.CopyN(io.Discard, obj.Body, read); err != nil {
					t.Errorf("%d bytes, then %v", n, err)
				}
				<-leave
				if err := errors.Join(obj.Body.Close(), obj.Body.Close()); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			synctest.Wait()
		}
		leaver(0)
		leaver(1)
		leaver(19_999)
		w.send(data[:20_000])
		close(leave)
		synctest.Wait()
		w.send(data[20_000:40_000])
		w.send(data[40_000:])
		w.finish(io.EOF)
		if got := r.spool.committed(); len(got) != 1 || got[0].Meta.Size != int64(len(data)) {
			t.Errorf("committed %+v", got)
		}
	})
}

func TestFillSlowReader(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, w := text(500_000), newWire()
		load := r.pulls(w, len(data), nil)
		fast := r.client("k", load)
		w.send(data[:2])
		slow, err := r.cache.Fill(r.site, "k", r.opts, load)
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 1)
		if _, err := io.ReadFull(slow.Body, head); err != nil {
			t.Fatal(err)
		}
		w.send(data[2:])
		w.finish(io.EOF)
		fast.wants(t, data)
		if len(r.spool.committed()) != 1 || r.bodies != 0 {
			t.Error("the pull waits for its slowest reader")
		}
		r.spool.save(r.bucket) // the entry leaves the spool meanwhile
		r.left = 0
		if rest := readAll(t, slow); string(head)+rest != data {
			t.Errorf("the slow one got %d bytes", 1+len(rest))
		}
	})
}

// No reader gets the last byte, the end, or of an empty object the headers before Commit has returned.
func TestFillWithholdsTheEnd(t *testing.T) {
	f := func(size int, known bool) {
		t.Run(fmt.Sprintf("%d bytes, known %v", size, known), func(t *testing.T) {
			eachSpool(t, func(t *testing.T, r *rig) {
				r.spool.commitGate = make(chan struct{})
				data, w, length := text(size), newWire(), -1
				if known {
					length = size
				}
				load := r.pulls(w, length, nil)
				clients := []*client{r.client("k", load), r.client("k", load)}
				check := func(when string) {
					t.Helper()
					for _, c := range clients {
						obj, got, end := c.got()
						if end != nil || len(got) >= max(size, 1) || (obj != nil) != (size > 1) || !strings.HasPrefix(data, got) {
							t.Errorf("%s: got %v, %d bytes, then %v", when, obj, len(got), end)
						}
						if size > 1 && len(got) != size-1 {
							t.Errorf("%s: %d bytes are held back", when, size-len(got))
						}
					}
				}
				if size > 0 {
					w.send(data)
				}
				check("all bytes came")
				w.finish(io.EOF)
				clients = append(clients, r.client("k", load))
				check("the end is proven")
				close(r.spool.commitGate)
				synctest.Wait()
				for _, c := range clients {
					c.wants(t, data)
				}
			})
		})
	}
	for _, size := range []int{0, 1, 2, 3, 10_000} {
		f(size, true)
		f(size, false)
	}
}

// What is pulled but not to be saved has no Commit; its end is held back until it is proven all the same.
func TestFillWithoutSaving(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.site.Save = false
		w := newWire()
		c, late := r.client("k", r.pulls(w, 4, nil)), (*client)(nil)
		w.send("data")
		late = r.client("k", r.refuses(errOrigin))
		for _, c := range []*client{c, late} {
			if obj, got, end := c.got(); got != "dat" || end != nil || obj.Pull.Kept {
				t.Errorf("got %q, then %v, %+v", got, end, obj.Pull)
			}
		}
		w.finish(io.EOF)
		c.wants(t, "data")
		late.wants(t, "data")
		if len(r.spool.committed()) != 0 {
			t.Error("it was committed")
		}
		if got, err := r.fill("k", r.answers("again")); err != nil || got.data != "again" {
			t.Errorf("the next request: %+v, %v", got, err)
		}
	})
}

// What is saved has the length, the MD5 and what the rule wants; what a miss shows is what a hit shows.
func TestFillEntry(t *testing.T) {
	meta := crowded(1500)
	meta.Origin.Size, meta.Origin.MD5 = -1, ""
	put := cache.PutOptions{StorageClass: "STANDARD_IA"}
	for _, known := range []bool{true, false} {
		eachSpool(t, func(t *testing.T, r *rig) {
			data := text(9000)
			sum := md5.Sum([]byte(data))
			got, err := r.fill("k", r.answers(data, func(p *cache.Pull) {
				p.Meta, p.Put = meta, put
				if p.Meta.Size = -1; known {
					p.Meta.Size = 9000
				}
			}))
			if err != nil || got.data != data {
				t.Fatalf("got %d bytes, %v", len(got.data), err)
			}
			e := r.spool.committed()[0]
			if e.ID != (cache.ID{Site: "assets", Key: "k"}) || !reflect.DeepEqual(e.Put, put) || e.Meta.Size != 9000 ||
				e.Meta.Origin.Size != 9000 || e.Meta.Origin.MD5 != hex.EncodeToString(sum[:]) {
				t.Errorf("committed %+v", e)
			}
			if shown := got.obj.Meta; known && shown.Size != 9000 || lacks(shown) == nil {
				t.Errorf("size %d is shown, lacks %v", shown.Size, lacks(shown))
			}
			spooled, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{HeadersOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			r.spool.save(r.bucket)
			r.left = 0
			saved, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{HeadersOnly: true})
			if err != nil || saved.Tier != cache.TierBucket {
				t.Fatalf("got %+v, %v", saved, err)
			}
			for _, later := range []cache.Meta{spooled.Meta, saved.Meta} {
				if !reflect.DeepEqual(visible(later), visible(got.obj.Meta)) {
					t.Errorf("the miss shows\n%+v, a hit\n%+v", got.obj.Meta, later)
				}
			}
		})
	}
}

// Between the caller's Get and its Fill somebody may have stored the object.
func TestFillErrStored(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		stored := func(when string) {
			t.Helper()
			before := r.loaded()
			if _, err := r.fill("k", r.answers("again")); !errors.Is(err, cache.ErrStored) || r.loaded() != before {
				t.Errorf("%s: got %v after %d pulls", when, err, r.loaded()-before)
			}
		}
		r.commit("k", "data")
		stored("it waits in the spool")
		if r.bucket.opened() != 0 {
			t.Error("the bucket was asked again without a reason")
		}
		r.spool.save(r.bucket)
		r.left = 0
		stored("it has just been saved")
		r.bucket.fail(errDisk)
		if _, err := r.fill("k", r.answers("again")); !errors.Is(err, errDisk) {
			t.Errorf("the bucket is broken: got %v", err)
		}
		r.bucket.fail(cache.ErrDeleted)
		if _, err := r.fill("k", r.answers("again")); !errors.Is(err, cache.ErrDeleted) {
			t.Errorf("deleted on purpose: got %v", err)
		}
		r.bucket.fail(cache.ErrNotFound)
		if got, err := r.fill("k", r.answers("again")); err != nil || got.data != "again" {
			t.Errorf("saved and lost again: got %+v, %v", got, err)
		}
		r.left = 1
	})
}

func TestFillSpoolCannotBeRead(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.spool.openErr = errDisk
		if _, err := r.fill("k", r.answers("data")); !errors.Is(err, errDisk) || r.loaded() != 0 {
			t.Errorf("got %v after %d pulls", err, r.loaded())
		}
	})
}

func TestBehind(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w := newWire()
		r.cache.Behind(r.site, "k", r.opts, r.pulls(w, 4, nil))
		synctest.Wait()
		r.cache.Behind(r.site, "k", r.opts, r.refuses(errOrigin)) // one is under way
		c := r.client("k", r.refuses(errOrigin))
		w.send("data")
		w.finish(io.EOF)
		c.wants(t, "data")
		if obj, _, _ := c.got(); !obj.Pull.Collapsed {
			t.Errorf("got %+v", obj.Pull)
		}
		r.cache.Behind(r.site, "k", r.opts, r.answers("again")) // it is there
		r.cache.Behind(r.site, "alone", r.opts, r.answers("without readers"))
		r.cache.Behind(r.site, "empty", r.opts, r.answers(""))
		r.cache.Behind(r.site, "failing", r.opts, r.refuses(errOrigin))
		r.cache.Behind(r.site, "cut", r.opts, r.answers("short", func(p *cache.Pull) { p.Meta.Size = 9 }))
		synctest.Wait()
		if got := r.loaded(); got != 5 || len(r.spool.committed()) != 3 {
			t.Errorf("%d pulls, %d commits", got, len(r.spool.committed()))
		}
	})
}

// Nobody reads an answer that may not be shared: it is closed, and those who joined pull on their own.
func TestBehindUnshareable(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		header := make(chan struct{})
		w := newWire()
		load := r.pulls(w, -1, func(p *cache.Pull) { <-header; p.Reason = "private" })
		r.cache.Behind(r.site, "k", r.opts, load)
		c := r.client("k", r.answers("mine", func(p *cache.Pull) { p.Reason = "private" }))
		close(header)
		synctest.Wait()
		c.wants(t, "mine")
		if obj, _, _ := c.got(); obj.Pull.Reason != "private" || obj.Pull.Collapsed || len(r.spool.committed()) != 0 {
			t.Errorf("got %+v", obj.Pull)
		}
	})
}

func TestBehindHeedsNegatives(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		gone := r.refuses(&cache.NegativeError{Status: 404, Err: errOrigin})
		r.cache.Behind(r.site, "k", r.opts, gone)
		synctest.Wait()
		r.cache.Behind(r.site, "k", r.opts, gone)
		synctest.Wait()
		var negative *cache.NegativeError
		if _, err := r.fill("k", gone); !errors.As(err, &negative) || !negative.Remembered || r.loaded() != 1 {
			t.Errorf("got %v after %d pulls", err, r.loaded())
		}
	})
}

func TestNarrow(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, w := text(1000), newWire()
		load := r.pulls(w, len(data), nil)
		narrowed := func(first, last int64) *client {
			return r.clientWith("k", r.opts, load, &cache.Range{First: first, Last: last})
		}
		head, whole, middle, tail := narrowed(0, 0), narrowed(0, -1), narrowed(100, 599), narrowed(-1, 10)
		w.send(data[:300])
		head.wants(t, data[:1])
		if _, got, end := middle.got(); got != data[100:299] || end != nil {
			t.Errorf("the middle: %d bytes, then %v", len(got), end)
		}
		w.send(data[300:])
		middle.wants(t, data[100:600])
		if _, got, end := tail.got(); got != data[990:999] || end != nil {
			t.Errorf("the tail before the commit: %d bytes, then %v", len(got), end)
		}
		w.finish(io.EOF)
		tail.wants(t, data[990:])
		whole.wants(t, data)
		obj, _, _ := middle.got()
		if !obj.Partial || obj.Start != 100 || obj.Length != 500 || obj.Meta.Size != 1000 {
			t.Errorf("got %+v", obj)
		}
	})
}

func TestNarrowRefuses(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(key string, load cache.Loader, rng cache.Range, outside bool) {
			t.Helper()
			obj, err := r.cache.Fill(r.site, key, r.opts, load)
			if err != nil {
				t.Fatal(err)
			}
			before := *obj
			ok, err := obj.Narrow(rng)
			var unmet *cache.RangeError
			if ok || errors.As(err, &unmet) != outside || outside && unmet.Size != 8 {
				t.Errorf("%s: got %v, %v", key, ok, err)
			}
			if obj.Partial || obj.Start != 0 || obj.Length != before.Length || readAll(t, obj) != "the data" {
				t.Errorf("%s: it has changed: %+v", key, obj)
			}
		}
		alone := func(p *cache.Pull) { p.Reason = "private" }
		f("alone", r.answers("the data", alone), cache.Range{First: 1, Last: 2}, false)
		f("outside", r.answers("the data"), cache.Range{First: 8, Last: 9}, true)
		f("no suffix", r.answers("the data"), cache.Range{First: -1, Last: 0}, true)

		w := newWire() // of a length that is not known when the header is answered
		c := make(chan *cache.Object, 1)
		r.clients.Go(func() {
			obj, err := r.cache.Fill(r.site, "unknown", r.opts, r.pulls(w, -1, nil))
			if err != nil {
				t.Error(err)
			}
			c <- obj
		})
		w.send("the data")
		obj := <-c
		if ok, err := obj.Narrow(cache.Range{First: 1, Last: 2}); ok || err != nil || obj.Length != -1 || obj.Partial {
			t.Errorf("unknown: got %v, %v, %+v", ok, err, obj)
		}
		w.finish(io.EOF)
		if got := readAll(t, obj); got != "the data" {
			t.Errorf("unknown: got %q", got)
		}
		stored, err := r.cache.Get(t.Context(), r.site, "unknown", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := stored.Narrow(cache.Range{First: 1, Last: 2}); ok || err != nil || readAll(t, stored) != "the data" {
			t.Errorf("a body that cannot be entered: got %v, %v", ok, err)
		}
	})
}

// Reading with an empty buffer is no end and no failure.
func TestFillReadOfNothing(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		obj, err := r.cache.Fill(r.site, "k", r.opts, r.answers("data"))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := obj.Body.Read(nil); n != 0 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if got := readAll(t, obj); got != "data" {
			t.Errorf("got %q", got)
		}
	})
}
