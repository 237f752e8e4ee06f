package cache_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// passRest is how long a place is not given back while the whole is being pulled.
const passRest = 10 * time.Second

// passer asks for one far part after the other, each at once answered, beside one pull of the whole.
type passer struct {
	*rig
	data  string
	whole *wire
	next  int64
}

func newPasser(r *rig) *passer {
	p := &passer{rig: r, data: text(1000), whole: newWire()}
	r.cache.Behind(r.site, "k", r.opts, r.pulls(p.whole, len(p.data), nil))
	p.whole.send(p.data[:100])
	return p
}

// passes wants that many parts to be asked of the origin, and none after them.
func (p *passer) passes(when string, want int) {
	p.Helper()
	for n := 0; ; n++ {
		p.next++
		at := int(p.next)
		got, err := p.fillPart("k", cache.Range{First: p.next, Last: p.next + 9}, p.part(p.data, at, 10))
		synctest.Wait() // the pull ends behind its reader
		if n == want && isBusy(err, "limits.max_range_pulls") {
			return
		}
		if n >= want || err != nil || got.data != p.data[at:at+10] {
			p.Fatalf("%s: part %d: got %+v, %v", when, n, got, err)
		}
	}
}

// follows adds a reader of the whole that begins at the offset.
func (p *passer) follows(first int64) *client {
	return p.clientWith("k", p.opts, p.refuses(errOrigin), &cache.Range{First: first, Last: first + 9})
}

// However soon parts come, the origin is asked for a few of them only while the whole is being pulled. A lone one later
// in the pull is passed again.
func TestPassedPartsKeepTheirPlaces(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		p := newPasser(r)
		p.passes("at first", 4)
		<-time.After(passRest - time.Millisecond)
		p.passes("not yet", 0)
		<-time.After(time.Millisecond)
		synctest.Wait()
		p.passes("later", 4)
		p.whole.finish(errOrigin)
		p.whole = newWire()
		r.cache.Behind(r.site, "k", r.opts, r.pulls(p.whole, len(p.data), nil))
		synctest.Wait()
		p.passes("beside the next pull", 4)
		p.whole.finish(errOrigin)
	})
}

// While many wait for the whole pull to come to them, no part is passed, however long that takes.
func TestNoPartIsPassedBesideAHerd(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		p := newPasser(r)
		clients := []*client{p.follows(0), p.follows(100)} // have or get their bytes at once
		for at := range int64(4) {
			clients = append(clients, p.follows(500+at))
		}
		p.passes("four wait", 4)
		clients = append(clients, p.follows(600))
		<-time.After(10 * passRest)
		p.passes("five wait", 0)
		p.whole.send(p.data[100:520])
		p.passes("one waits", 4)
		p.whole.send(p.data[520:])
		p.whole.finish(io.EOF)
		for i, at := range []int{0, 100, 500, 501, 502, 503, 600} {
			clients[i].wants(t, p.data[at:at+10])
		}
	})
}

// A part is not pulled once the whole is there.
func TestPartErrStored(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		stored := func(when string) {
			t.Helper()
			before := r.loaded()
			_, err := r.fillPart("k", cache.Range{First: 1, Last: 2}, r.part("data", 1, 2))
			if !errors.Is(err, cache.ErrStored) || r.loaded() != before {
				t.Errorf("%s: got %v after %d pulls", when, err, r.loaded()-before)
			}
		}
		r.commit("k", "data")
		stored("it waits in the spool")
		r.spool.save(r.bucket)
		r.left = 0
		stored("it has just been saved")
	})
}
