package cache_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// part answers with length bytes of data from start on.
func (r *rig) part(data string, start, length int) cache.Loader {
	return r.answers(data[start:start+length], partial(len(data), start, length))
}

func partial(size, start, length int) func(*cache.Pull) {
	return func(p *cache.Pull) {
		p.Meta.Size, p.Start, p.Length = int64(size), int64(start), int64(length)
	}
}

func (r *rig) partOpts(rng cache.Range) cache.FillOptions {
	o := r.opts
	o.Part = &rng
	return o
}

func (r *rig) fillPart(key string, rng cache.Range, load cache.Loader) (answer, error) {
	whole := r.opts
	defer func() { r.opts = whole }()
	r.opts = r.partOpts(rng)
	return r.fill(key, load)
}

func TestPart(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		got, err := r.fillPart("k", cache.Range{First: 3, Last: 6}, r.part("0123456789", 3, 4))
		if err != nil || got.data != "3456" {
			t.Fatalf("got %+v, %v", got, err)
		}
		if o := got.obj; !o.Partial || o.Start != 3 || o.Length != 4 || o.Meta.Size != 10 || o.Pull.Kept || !o.Pull.Partial ||
			o.Pull.Start != 3 || o.Tier != cache.TierPull {
			t.Errorf("got %+v", o)
		}
		if ok, err := got.obj.Narrow(cache.Range{First: 0, Last: 1}); ok || err != nil {
			t.Errorf("a part was narrowed: %v, %v", ok, err)
		}
		if len(r.spool.committed()) != 0 {
			t.Error("a part is kept")
		}
		if _, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
			t.Errorf("a part passes for the whole: %v", err)
		}
	})
}

// Equal parts are one pull, which is joined at any time; other parts and the whole are pulls of their own.
func TestPartsAreJoined(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data := text(1000)
		w, other, whole := newWire(), newWire(), newWire()
		ask := func(first, last int64, w *wire) *client {
			n := int(last-first) + 1
			load := r.pulls(w, 1000, partial(1000, int(first), n))
			return r.clientWith("k", r.partOpts(cache.Range{First: first, Last: last}), load, nil)
		}
		clients := []*client{ask(100, 299, w), ask(100, 299, w)}
		apart := ask(100, 298, other)
		all := r.client("k", r.pulls(whole, 1000, nil))
		w.send(data[100:200])
		clients = append(clients, ask(100, 299, w))
		if _, got, _ := clients[2].got(); got != data[100:199] {
			t.Errorf("who joined late got %d bytes", len(got))
		}
		w.send(data[200:300])
		w.finish(io.EOF)
		other.send(data[100:299])
		other.finish(io.EOF)
		whole.send(data)
		whole.finish(io.EOF)
		for i, c := range clients {
			c.wants(t, data[100:300])
			if obj, _, _ := c.got(); obj.Pull.Collapsed != (i > 0) || obj.Start != 100 || obj.Length != 200 {
				t.Errorf("client %d: %+v", i, obj)
			}
		}
		apart.wants(t, data[100:299])
		all.wants(t, data)
		if r.loaded() != 3 || len(r.spool.committed()) != 1 {
			t.Errorf("%d pulls, %d commits", r.loaded(), len(r.spool.committed()))
		}
	})
}

// A part of another length than it said cuts its readers off.
func TestPartOfAnotherLength(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		for _, sent := range []int{3, 5} {
			load := r.answers("0123456789"[:sent], partial(10, 0, 4))
			got, err := r.fillPart("k", cache.Range{First: 0, Last: 3}, load)
			var length *cache.LengthError
			if !errors.As(err, &length) || length.Want != 4 || len(got.data) >= 4 {
				t.Errorf("%d bytes were sent: got %q, %v", sent, got.data, err)
			}
		}
	})
}

func TestMaxRangePulls(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		data, wires := text(100), []*wire{}
		var clients []*client
		ask := func(i int64) *client {
			w := newWire()
			wires = append(wires, w)
			load := r.pulls(w, 100, partial(100, int(i), 10))
			return r.clientWith("k", r.partOpts(cache.Range{First: i, Last: i + 9}), load, nil)
		}
		for i := range int64(4) {
			clients = append(clients, ask(i))
		}
		began := time.Now()
		if _, err := r.fillPart("k", cache.Range{First: 50, Last: 59}, r.part(data, 50, 10)); !isBusy(err, "limits.max_range_pulls") {
			t.Errorf("got %v", err)
		}
		if time.Since(began) != 0 || r.loaded() != 4 {
			t.Errorf("it waited for %v, %d pulls: better follow the whole at once", time.Since(began), r.loaded())
		}
		joined := r.clientWith("k", r.partOpts(cache.Range{First: 2, Last: 11}), r.refuses(errOrigin), nil) // takes no place
		if got, err := r.fillPart("other", cache.Range{First: 50, Last: 59}, r.part(data, 50, 10)); err != nil || got.data != data[50:60] {
			t.Errorf("another key: %+v, %v", got, err)
		}
		for i, w := range wires {
			w.send(data[i : i+10])
			w.finish(io.EOF)
			clients[i].wants(t, data[i:i+10])
		}
		joined.wants(t, data[2:12])
		for range 9 { // a place is given back however the part ends
			_, _ = r.fillPart("k", cache.Range{First: 60, Last: 69}, r.refuses(errOrigin))
			synctest.Wait()
			_, _ = r.fillPart("k", cache.Range{First: 60, Last: 69}, r.answers("mine", partial(100, 60, 4), private))
			synctest.Wait() // the pull ends behind its reader
		}
		if got, err := r.fillPart("k", cache.Range{First: 50, Last: 59}, r.part(data, 50, 10)); err != nil || got.data != data[50:60] {
			t.Errorf("with a place again: %+v, %v", got, err)
		}
	})
}

// A part is of no use to anybody but its readers: when the last has left, its pull ends. So does that of a whole which is
// not to be saved.
func TestDeserted(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(name string, o cache.FillOptions, change func(*cache.Pull), ends bool) {
			t.Helper()
			w := newWire()
			load := r.pulls(w, 100, change)
			read := make(chan *cache.Object, 2)
			for range 2 {
				r.clients.Go(func() {
					obj, err := r.cache.Fill(r.site, name, o, load)
					if err != nil {
						t.Error(err)
					}
					read <- obj
				})
			}
			synctest.Wait()
			w.send("0123456789")
			one, two := <-read, <-read
			one.Body.Close()
			w.send("0123456789")
			if w.ctx.Err() != nil {
				t.Errorf("%s: it ended with its first reader", name)
			}
			two.Body.Close()
			w.send("0123456789")
			if ended := w.ctx.Err() != nil; ended != ends {
				t.Errorf("%s: nobody reads it: ended %v", name, ended)
			}
			if !ends {
				w.finish(errOrigin)
			}
		}
		f("part", r.partOpts(cache.Range{First: 0, Last: 99}), partial(1000, 0, 100), true)
		f("kept", r.opts, nil, false)
		r.site.Save = false
		f("not kept", r.opts, nil, true)
		if got, err := r.fill("not kept", r.answers("data")); err != nil || got.data != "data" || got.obj.Pull.Collapsed {
			t.Errorf("the next request: %+v, %v", got, err)
		}
	})
}

// Who has joined such a pull and not begun to read yet is no reason to end it.
func TestDesertedIsNotBeforeItsReadersCome(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		for range 50 {
			data := text(1000)
			load := r.answers(data, partial(5000, 0, 1000))
			var clients []*client
			for range 4 {
				c := &client{}
				clients = append(clients, c)
				r.clients.Go(func() { c.run(r, "k", r.partOpts(cache.Range{First: 0, Last: 999}), load, nil) })
			}
			synctest.Wait()
			for _, c := range clients {
				c.wants(t, data)
			}
		}
	})
}

func TestProgress(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		wants := func(when string, arrived int64, ok bool) {
			t.Helper()
			got, meta, flies := r.cache.Progress(r.site, "k")
			if got != arrived || flies != ok || ok && meta.Size != 20 || ok && meta.Origin.ETag != `"v1"` {
				t.Errorf("%s: got %d, %+v, %v", when, got, meta, flies)
			}
		}
		wants("before", 0, false)
		w := newWire()
		r.cache.Behind(r.site, "k", r.opts, r.pulls(w, 20, func(p *cache.Pull) {
			p.Meta.Origin.ETag, p.Meta.Origin.Time = `"v1"`, time.Unix(1_700_000_000, 0)
		}))
		synctest.Wait()
		wants("nothing has come", 0, false)
		w.send("0123456789")
		wants("half of it", 10, true)
		if got, err := r.fillPart("k", cache.Range{First: 19, Last: 19}, r.part("01234567890123456789", 19, 1)); err != nil || got.data != "9" {
			t.Errorf("got %+v, %v", got, err)
		}
		wants("a part besides", 10, true)
		w.send("0123456789")
		w.finish(io.EOF)
		wants("after", 0, false)
		readAll(t, r.hold("private"))
		wants("of another key", 0, false)
	})
}
