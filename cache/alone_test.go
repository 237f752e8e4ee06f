package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// cookies answers each load with a body and a cookie of its own.
func (r *rig) cookies(header <-chan struct{}, reason string) cache.Loader {
	n := 0
	return r.loader(func(context.Context) (*cache.Pull, error) {
		r.mu.Lock()
		n++
		mine := fmt.Sprintf("session=%d", n)
		r.mu.Unlock()
		<-header
		p := &cache.Pull{Meta: cache.Meta{Size: int64(len(mine))}, Target: "backup", Reason: reason, SetCookie: []string{mine}}
		p.Body = &body{strings.NewReader(mine), r.bodyClosed}
		return p, nil
	})
}

// An answer that may not be shared goes to the request that caused its pull; each of the others pulls on its own.
func TestFillUnshareable(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		header := make(chan struct{})
		load := r.cookies(header, "set-cookie")
		var clients []*client
		for range 10 {
			clients = append(clients, r.client("k", load))
		}
		if r.loaded() != 1 {
			t.Errorf("%d pulls before there is an answer", r.loaded())
		}
		close(header)
		synctest.Wait()
		seen := map[string]bool{}
		for _, c := range clients {
			obj, data, end := c.got()
			if end != io.EOF || seen[data] || !slices.Equal(obj.Pull.SetCookie, []string{data}) {
				t.Errorf("got %q, then %v, %+v", data, end, obj.Pull)
			}
			if obj.Pull.Collapsed || obj.Pull.Kept || obj.Pull.Reason != "set-cookie" || obj.Pull.Target != "backup" {
				t.Errorf("got %+v", obj.Pull)
			}
			seen[data] = true
		}
		if r.loaded() != 10 || len(r.spool.committed()) != 0 {
			t.Errorf("%d pulls, %d commits", r.loaded(), len(r.spool.committed()))
		}
	})
}

// While somebody reads such an answer, nobody joins it.
func TestFillUnshareableIsNotJoined(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w := newWire()
		c := r.client("k", r.pulls(w, -1, func(p *cache.Pull) { p.Reason = "private" }))
		w.send("my ")
		if got, err := r.fill("k", r.answers("public")); err != nil || got.data != "public" || !got.obj.Pull.Kept {
			t.Errorf("got %+v, %v", got, err)
		}
		w.send("own")
		w.finish(io.EOF)
		c.wants(t, "my own")
	})
}

// The first answer may not be shared, and those to the others may: they are kept, one of them in the end.
func TestFillUnshareableThenShareable(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		header := make(chan struct{})
		mine := r.client("k", r.answers("mine", func(p *cache.Pull) {
			<-header
			p.Reason = "private"
		}))
		others := []*client{r.client("k", r.answers("ours")), r.client("k", r.answers("ours"))}
		close(header)
		synctest.Wait()
		mine.wants(t, "mine")
		for _, c := range others {
			obj, data, _ := c.got()
			if err := errorOf(c); errors.Is(err, cache.ErrStored) {
				continue // the other one was quicker
			}
			if data != "ours" || !obj.Pull.Kept {
				t.Errorf("got %q, %+v", data, obj)
			}
		}
		obj, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{})
		if err != nil || readAll(t, obj) != "ours" {
			t.Errorf("got %+v, %v", obj, err)
		}
		r.left = 1
	})
}

func errorOf(c *client) error {
	_, _, err := c.got()
	return err
}

// Where the rule sets the cookie aside as a reason, it still goes to nobody but the request that caused the pull.
func TestFillSharedCookie(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		w := newWire()
		load := r.pulls(w, 4, func(p *cache.Pull) { p.SetCookie = []string{"a=b"} })
		first, second := r.client("k", load), r.client("k", load)
		w.send("data")
		w.finish(io.EOF)
		one, _, _ := first.got()
		two, _, _ := second.got()
		if !slices.Equal(one.Pull.SetCookie, []string{"a=b"}) || two.Pull.SetCookie != nil {
			t.Errorf("got %v and %v", one.Pull.SetCookie, two.Pull.SetCookie)
		}
	})
}

// A full spool costs the copy, never the answer.
func TestFillSpoolFull(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.spool.createErr = fmt.Errorf("wrapped: %w", cache.ErrNoRoom)
		header := make(chan struct{})
		load := r.answers("data", func(*cache.Pull) { <-header })
		clients := []*client{r.client("k", load), r.client("k", load), r.client("k", load)}
		close(header)
		synctest.Wait()
		for _, c := range clients {
			c.wants(t, "data")
			if obj, _, _ := c.got(); obj.Pull.Kept || obj.Pull.Reason != "spool" {
				t.Errorf("got %+v", obj.Pull)
			}
		}
		r.spool.createErr = nil
		huge := r.answers("data", func(p *cache.Pull) { p.Meta.Size = room + 1 })
		if got, err := r.fill("huge", huge); err != nil || got.data != "data" || got.obj.Pull.Reason != "spool" {
			t.Errorf("huge: got %+v, %v", got, err)
		}
		if got, err := r.fill("k", r.answers("data")); err != nil || !got.obj.Pull.Kept {
			t.Errorf("with room again: %+v, %v", got, err)
		}
	})
}

// The pull of a request on its own is neither joined nor joins, and neither heeds nor leaves memories.
func TestFillSolo(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		solo := r.opts
		solo.Solo = true
		private := func(p *cache.Pull) { p.Reason = "cookie" }
		w1, w2, w3 := newWire(), newWire(), newWire()
		one := r.clientWith("k", solo, r.pulls(w1, -1, private), nil)
		two := r.clientWith("k", solo, r.pulls(w2, -1, private), nil)
		shared := r.client("k", r.pulls(w3, -1, nil))
		if r.loaded() != 3 {
			t.Fatalf("%d pulls", r.loaded())
		}
		w1.send("one")
		w2.send("two")
		w3.send("shared")
		for _, w := range []*wire{w1, w2, w3} {
			w.finish(io.EOF)
		}
		one.wants(t, "one")
		two.wants(t, "two")
		shared.wants(t, "shared")
		if obj, _, _ := one.got(); obj.Pull.Collapsed || obj.Pull.Kept || obj.Pull.Reason != "cookie" {
			t.Errorf("got %+v", obj.Pull)
		}
		if got := r.spool.committed(); len(got) != 1 || got[0].Meta.Size != 6 {
			t.Errorf("committed %+v", got)
		}
	})
}

func TestFillSoloAndNegatives(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(solo, remembered bool, pulls int) {
			t.Helper()
			r.opts.Solo = solo
			var negative *cache.NegativeError
			_, err := r.fill("k", r.refuses(notFound()))
			if !errors.As(err, &negative) || negative.Remembered != remembered || r.loaded() != pulls {
				t.Errorf("got %v after %d pulls", err, r.loaded())
			}
		}
		f(true, false, 1)
		f(true, false, 2)
		f(false, false, 3) // nothing was remembered
		f(false, true, 3)
		f(true, false, 4) // what is remembered is not for it
	})
}

// What the length decides is decided at the end, where the header did not tell it.
func TestFillFinal(t *testing.T) {
	f := func(name string, size int, data, reason string, kept bool) {
		t.Run(name, func(t *testing.T) {
			eachSpool(t, func(t *testing.T, r *rig) {
				w := newWire()
				var asked []int64
				c := r.client("k", r.pulls(w, size, func(p *cache.Pull) {
					p.Final = func(n int64) string {
						asked = append(asked, n)
						return reason
					}
				}))
				if data != "" {
					w.send(data)
				}
				w.finish(io.EOF)
				c.wants(t, data)
				want := []int64{int64(len(data))}
				if size >= 0 {
					want = nil
				}
				if !slices.Equal(asked, want) || (len(r.spool.committed()) == 1) != kept {
					t.Errorf("asked with %v, %d commits", asked, len(r.spool.committed()))
				}
				// Who has seen the headers already was told that it would be kept; who has not, is told the truth.
				if obj, _, _ := c.got(); len(data) < 2 && (obj.Pull.Kept != kept || !kept && obj.Pull.Reason != reason) {
					t.Errorf("got %+v", obj.Pull)
				}
			})
		})
	}
	f("too large", -1, "0123456789", "max_object", false)
	f("fine", -1, "0123456789", "", true)
	f("empty", -1, "", "empty", false)
	f("one byte", -1, "x", "max_object", false)
	f("one byte, fine", -1, "x", "", true)
	f("known", 10, "0123456789", "max_object", true)
}
