package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"mirrorgate/cache"
)

// A body that cannot be proven whole fails all its readers, is not kept, and the next request asks again.
func TestFillFailures(t *testing.T) {
	data := text(20_000)
	f := func(name string, length int, end error, arrange func(r *rig, p *cache.Pull), want func(err error) bool) {
		t.Run(name, func(t *testing.T) {
			eachSpool(t, func(t *testing.T, r *rig) {
				w := newWire()
				load := r.pulls(w, length, func(p *cache.Pull) { arrange(r, p) })
				clients := []*client{r.client("k", load), r.client("k", load)}
				w.send(data[:10_000])
				clients = append(clients, r.client("k", load))
				w.send(data[10_000:])
				if r.bodies > 0 { // else the pull has ended already
					w.finish(end)
				}
				for _, c := range clients {
					_, got, err := c.got()
					if err == nil || errors.Is(err, io.EOF) || !want(err) {
						t.Errorf("after %d bytes: %v", len(got), err)
					}
					if len(got) >= len(data) || len(got) >= length && length >= 0 || !strings.HasPrefix(data, got) {
						t.Errorf("%d bytes came, the length said %d", len(got), length)
					}
				}
				if r.loaded() != 1 || r.bodies != 0 || len(r.spool.committed()) != 0 {
					t.Errorf("%d pulls, %d bodies open, %d commits", r.loaded(), r.bodies, len(r.spool.committed()))
				}
				if obj, err := r.cache.Get(t.Context(), r.site, "k", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
					t.Errorf("something is stored: %+v, %v", obj, err)
				}
				r.spool.commitErr, r.spool.writeErr = nil, nil
				if got, err := r.fill("k", r.answers(data)); err != nil || got.data != data {
					t.Errorf("the next request: %d bytes, %v", len(got.data), err)
				}
			})
		})
	}
	nothing := func(*rig, *cache.Pull) {}
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	length := func(got, want int64) func(error) bool {
		return func(err error) bool {
			var e *cache.LengthError
			return errors.As(err, &e) && *e == cache.LengthError{Got: got, Want: want}
		}
	}
	digest := func(algorithm string) func(error) bool {
		return func(err error) bool {
			var e *cache.DigestError
			return errors.As(err, &e) && e.Algorithm == algorithm
		}
	}
	f("cut, known", 20_000, io.ErrUnexpectedEOF, nothing, is(io.ErrUnexpectedEOF))
	f("cut, unknown", -1, io.ErrUnexpectedEOF, nothing, is(io.ErrUnexpectedEOF))
	f("failed", -1, errOrigin, nothing, is(errOrigin))
	f("short", 20_001, io.EOF, nothing, length(20_000, 20_001))
	f("long", 19_999, io.EOF, nothing, func(err error) bool {
		var e *cache.LengthError
		return errors.As(err, &e) && e.Want == 19_999 && e.Got > 19_999
	})
	f("md5", 20_000, io.EOF, func(_ *rig, p *cache.Pull) {
		p.Digests = []cache.Digest{{Algorithm: "md5", Sum: make([]byte, 16)}}
	}, digest("md5"))
	f("crc64nvme", -1, io.EOF, func(_ *rig, p *cache.Pull) {
		p.Digests = []cache.Digest{{Algorithm: "unheard-of", Sum: nil}, {Algorithm: "crc64nvme", Sum: make([]byte, 8)}}
	}, digest("crc64nvme"))
	f("commit", 20_000, io.EOF, func(r *rig, _ *cache.Pull) { r.spool.commitErr = errDisk }, is(errDisk))
	f("commit, unknown", -1, io.EOF, func(r *rig, _ *cache.Pull) { r.spool.commitErr = errDisk }, is(errDisk))
	f("write", 20_000, io.EOF, func(r *rig, _ *cache.Pull) { r.spool.writeErr, r.spool.writeAfter = errDisk, 10_000 }, is(errDisk))
	f("no room", -1, io.EOF, func(r *rig, _ *cache.Pull) {
		r.spool.writeErr, r.spool.writeAfter = cache.ErrNoRoom, 10_000
	}, is(cache.ErrNoRoom))
}

// Only io.EOF itself is the end that is proven: an error about a connection may wrap one.
func TestFillWrappedEOFIsNoEnd(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		for _, size := range []int{-1, 4} {
			w := newWire()
			c := r.client("k", r.pulls(w, size, nil))
			w.send("data")
			w.finish(fmt.Errorf("read from the origin: %w", io.EOF))
			if _, got, end := c.got(); got != "dat" || end == io.EOF || end == nil {
				t.Errorf("got %q, then %v", got, end)
			}
		}
	})
}

// A body that fails before there is anything to read fails as a whole.
func TestFillFailsBeforeTheFirstByte(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		f := func(data string, size int, end error) {
			t.Helper()
			w := newWire()
			load := r.pulls(w, size, nil)
			clients := []*client{r.client("k", load), r.client("k", load)}
			if data != "" {
				w.send(data)
			}
			w.finish(end)
			for _, c := range clients {
				if obj, _, err := c.got(); obj != nil || err == nil || err == io.EOF {
					t.Errorf("%q: got %+v, %v", data, obj, err)
				}
			}
		}
		f("", -1, errOrigin)
		f("", 5, io.EOF)
		f("x", 1, errOrigin)
		f("x", 5, io.ErrUnexpectedEOF)
		f("x", 0, io.EOF)
		r.spool.commitErr = errDisk
		if _, err := r.fill("k", r.answers("")); !errors.Is(err, errDisk) {
			t.Errorf("empty and not committed: %v", err)
		}
	})
}

// A failure before there is an answer goes to all who wait; it is not remembered.
func TestFillLoadError(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		answer := make(chan struct{})
		load := r.loader(func(context.Context) (*cache.Pull, error) {
			<-answer
			return nil, errOrigin
		})
		var clients []*client
		for range 10 {
			clients = append(clients, r.client("k", load))
		}
		close(answer)
		synctest.Wait()
		for _, c := range clients {
			if obj, _, err := c.got(); obj != nil || !errors.Is(err, errOrigin) {
				t.Errorf("got %+v, %v", obj, err)
			}
		}
		if r.loaded() != 1 {
			t.Errorf("%d pulls", r.loaded())
		}
		if got, err := r.fill("k", r.answers("data")); err != nil || got.data != "data" || got.obj.Pull.Collapsed {
			t.Errorf("the next request: %+v, %v", got, err)
		}
	})
}

// A spool that cannot be read cuts its readers off, and never ends them cleanly; the pull itself goes on.
func TestFillSpoolReadFails(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		for key, fault := range map[string]error{"broken": errDisk, "too short": io.EOF} {
			r.spool.readErr = fault
			got, err := r.fill(key, r.answers("data"))
			synctest.Wait()
			if err == nil || errors.Is(err, io.EOF) || fault != io.EOF && !errors.Is(err, fault) {
				t.Errorf("%s: got %q, %v", key, got.data, err)
			}
			r.spool.readErr = nil
			obj, err := r.cache.Get(t.Context(), r.site, key, cache.ReadOptions{})
			if err != nil || readAll(t, obj) != "data" {
				t.Errorf("%s: kept %+v, %v", key, obj, err)
			}
		}
	})
}
