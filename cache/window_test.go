package cache_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

// eachWindow runs f where the disk takes the first bytes of a body only, which then passes through a window.
func eachWindow(t *testing.T, takes, window int, f func(t *testing.T, r *rig)) {
	t.Helper()
	eachSpool(t, func(t *testing.T, r *rig) {
		r.spool.takes, r.spool.window = takes, window
		f(t, r)
		if len(r.spool.committed()) != 0 {
			t.Error("a torn body is kept")
		}
		r.absent("k")
	})
}

// reader is a client that reads as much as the test says.
type reader struct {
	*testing.T
	*cache.Object
	data string // what it has read
}

func (r *rig) reader(load cache.Loader) *reader {
	r.Helper()
	obj, err := r.cache.Fill(r.site, "k", r.opts, load)
	if err != nil {
		r.Fatal(err)
	}
	return &reader{T: r.T, Object: obj}
}

func (r *reader) read(n int) error {
	buf := make([]byte, n)
	got, err := io.ReadFull(r.Body, buf)
	r.data += string(buf[:got])
	return err
}

func (r *reader) wants(data string) {
	r.Helper()
	if r.data != data {
		r.Errorf("got %d bytes, want %d; the same start: %v", len(r.data), len(data), strings.HasPrefix(data, r.data))
	}
}

// sends answers with what is sent on the channel. Unlike a wire's, its sender does not wait for the pull.
func (r *rig) sends(pieces chan string, size int, changes ...func(*cache.Pull)) cache.Loader {
	w := newWire()
	w.chunks = pieces
	return r.pulls(w, size, func(p *cache.Pull) {
		w.end = io.EOF
		for _, change := range changes {
			change(p)
		}
	})
}

func feed(pieces ...string) chan string {
	c := make(chan string, len(pieces))
	for _, p := range pieces {
		c <- p
	}
	close(c)
	return c
}

// However small the window, who reads gets all, and each what it asked for.
func TestWindow(t *testing.T) {
	data := text(100_000)
	for _, takes := range []int{1, 2, 3, 999, 10_000} {
		for _, size := range []int{-1, len(data)} {
			eachWindow(t, takes, 10_000, func(t *testing.T, r *rig) {
				header := make(chan struct{})
				load := r.sends(feed(data[:1], data[1:1000], data[1000:]), size, func(*cache.Pull) { <-header })
				clients := []*client{r.client("k", load), r.client("k", load), r.client("k", load)}
				if size >= 0 {
					clients = append(clients, r.clientWith("k", r.opts, load, &cache.Range{First: 40_000, Last: 44_999}))
				}
				close(header)
				synctest.Wait()
				for i, c := range clients {
					if i < 3 {
						c.wants(t, data)
					} else {
						c.wants(t, data[40_000:45_000])
					}
				}
				if r.loaded() != 1 {
					t.Errorf("%d pulls", r.loaded())
				}
			})
		}
	}
}

// Who comes after the start of the body is gone has a pull of their own.
func TestWindowIsNotJoined(t *testing.T) {
	eachWindow(t, 100, 100, func(t *testing.T, r *rig) {
		w := newWire()
		data := text(150)
		c := r.client("k", r.pulls(w, -1, nil))
		w.send(data)
		if _, _, flies := r.cache.Progress(r.site, "k"); flies {
			t.Error("its progress is shown to who cannot follow it")
		}
		got, err := r.fill("k", r.answers(text(200)))
		if err != nil || got.data != text(200) || got.obj.Pull.Collapsed {
			t.Errorf("got %d bytes, %v", len(got.data), err)
		}
		w.send(text(200)[150:])
		w.finish(io.EOF)
		c.wants(t, text(200))
	})
}

// Who has the headers already was told that it would be kept; who has not, is told the truth.
func TestWindowTellsTheTruth(t *testing.T) {
	eachWindow(t, 1, 100, func(t *testing.T, r *rig) {
		obj := r.reader(r.sends(feed("0123456789"), -1))
		if obj.Pull.Kept || obj.Pull.Reason != "spool" || obj.Pull.Collapsed {
			t.Errorf("got %+v", obj.Pull)
		}
		readAll(t, obj.Object)
	})
}

// The pull waits for the slowest reader, as long as it moves; it is not waited for longer than Stall.
func TestWindowCutsTheSlowest(t *testing.T) {
	eachWindow(t, 1000, 1000, func(t *testing.T, r *rig) {
		data, pieces := text(10_000), make(chan string, 10)
		load := r.sends(pieces, -1)
		pieces <- data[:2]
		slow, slower := r.reader(load), r.reader(load)
		fast := r.client("k", load)
		pieces <- data[2:]
		close(pieces)
		synctest.Wait()
		if _, got, _ := fast.got(); len(got) != 999 {
			t.Errorf("the fast one has %d bytes beside one that has none, of a window of 1000", len(got))
		}
		for range 3 { // both move
			wait(29 * time.Second)
			if err := errors.Join(slow.read(500), slower.read(300)); err != nil {
				t.Fatal(err)
			}
		}
		wait(29 * time.Second)
		if err := slow.read(1); err != nil { // that it moves does not help the other
			t.Fatal(err)
		}
		before := len(slower.data)
		wait(time.Second)
		if err := slower.read(1); err == nil || errors.Is(err, io.EOF) || len(slower.data) != before {
			t.Errorf("the slowest one got %d more bytes, then %v", len(slower.data)-before, err)
		}
		slower.wants(data[:900])
		if err := slow.read(10_000 - len(slow.data)); err != nil {
			t.Errorf("the slow one: %v", err)
		}
		slow.wants(data)
		if err := slow.read(1); err != io.EOF {
			t.Errorf("its end: %v", err)
		}
		synctest.Wait()
		fast.wants(t, data)
		slow.Body.Close()
		slower.Body.Close()
	})
}

// Those that have stopped at different places are cut after one wait, too: a crowd cannot hold up the others for many.
func TestWindowCutsAtDifferentPlaces(t *testing.T) {
	eachWindow(t, 1000, 1000, func(t *testing.T, r *rig) {
		data, pieces := text(5000), make(chan string, 10)
		load := r.sends(pieces, -1)
		pieces <- data[:2]
		fast := r.client("k", load)
		var stopped []*reader
		for range 4 {
			stopped = append(stopped, r.reader(load))
		}
		pieces <- data[2:]
		close(pieces)
		synctest.Wait()
		for i, one := range stopped {
			if err := one.read(1 + 200*i); err != nil {
				t.Fatal(err)
			}
		}
		wait(30 * time.Second)
		fast.wants(t, data)
		for _, one := range stopped {
			one.Body.Close()
		}
	})
}

// Several that do not move are cut after one wait, not one after the other; then the pull ends, for nobody is left.
func TestWindowCutsAll(t *testing.T) {
	eachWindow(t, 1000, 1000, func(t *testing.T, r *rig) {
		data, pieces := text(3000), make(chan string, 10)
		w := newWire()
		w.chunks = pieces
		load := r.pulls(w, -1, nil)
		pieces <- data[:2]
		var readers []*reader
		for i := range 5 {
			readers = append(readers, r.reader(load))
			if err := readers[i].read(1); err != nil {
				t.Fatal(err)
			}
		}
		pieces <- data[2:]
		wait(30*time.Second - 1)
		if w.ctx.Err() != nil {
			t.Error("the pull has ended before its time")
		}
		wait(1)
		if w.ctx.Err() == nil || r.bodies != 0 {
			t.Error("the pull goes on for nobody")
		}
		for _, one := range readers {
			if err := one.read(1); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("got %q, then %v", one.data, err)
			}
			one.Body.Close()
		}
	})
}

// Those who leave, who have read their part, or who have gone to a place far ahead, are not waited for.
func TestWindowWaitsForNobodyElse(t *testing.T) {
	eachWindow(t, 1000, 1000, func(t *testing.T, r *rig) {
		data, pieces := text(100_000), make(chan string, 10)
		load := r.sends(pieces, len(data))
		pieces <- data[:2]
		leaves, head, tail, stays := r.reader(load), r.reader(load), r.reader(load), r.client("k", load)
		if _, err := head.Narrow(cache.Range{First: 0, Last: 0}); err != nil || head.read(1) != nil {
			t.Fatal("the first byte could not be read")
		}
		pieces <- data[2:]
		close(pieces)
		began := time.Now()
		synctest.Wait()
		leaves.Body.Close()
		synctest.Wait()
		if _, err := tail.Narrow(cache.Range{First: -1, Last: 5}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stays.wants(t, data)
		if err := tail.read(5); err != nil || time.Since(began) != 0 {
			t.Errorf("the end: %v after %v", err, time.Since(began))
		}
		tail.wants(data[99_995:])
		head.Body.Close()
		tail.Body.Close()
	})
}

// A pull without readers has nothing to go on for.
func TestWindowForNobody(t *testing.T) {
	eachWindow(t, 10, 10, func(t *testing.T, r *rig) {
		w := newWire()
		r.cache.Behind(r.site, "k", r.opts, r.pulls(w, -1, nil))
		synctest.Wait()
		if w.send("0123456789abc"); w.ctx.Err() == nil {
			t.Error("it goes on")
		}
		if got, err := r.fill("k", r.answers("data")); err != nil || got.data != "data" {
			t.Errorf("the next request: %+v, %v", got, err)
		}
		r.spool.save(r.bucket)
		r.spool.commits, r.left = nil, 0
		r.bucket.remove("k")
	})
}

// Bytes that were overwritten while they were read are never delivered.
func TestWindowIsNeverTorn(t *testing.T) {
	eachWindow(t, 1000, 1000, func(t *testing.T, r *rig) {
		data, pieces := text(3000), make(chan string, 10)
		load := r.sends(pieces, -1)
		goOn := make(chan struct{})
		pieces <- data[:2]
		victim := r.reader(load)
		var blocks atomic.Bool
		r.spool.reading = func() {
			if blocks.CompareAndSwap(true, false) {
				<-goOn // the disk, say, while all others go on
			}
		}
		fast := r.client("k", load)
		pieces <- data[2:]
		close(pieces)
		synctest.Wait()
		blocks.Store(true)
		var end error
		r.clients.Go(func() { end = victim.read(500) })
		synctest.Wait()
		wait(30 * time.Second) // it is cut, and the window moves on
		fast.wants(t, data)
		close(goOn)
		synctest.Wait()
		if end == nil || errors.Is(end, io.EOF) || victim.data != "" {
			t.Errorf("got %q, then %v", victim.data, end)
		}
		victim.Body.Close()
	})
}

// A failure, of the origin or of the proof, is one for those who read through a window, too.
func TestWindowFails(t *testing.T) {
	f := func(name string, size int, end error, arrange func(*cache.Pull)) {
		t.Run(name, func(t *testing.T) {
			eachWindow(t, 10, 1000, func(t *testing.T, r *rig) {
				w := newWire()
				c := r.client("k", r.pulls(w, size, arrange))
				data := text(100_000)
				w.send(data)
				w.finish(end)
				if _, got, err := c.got(); err == nil || errors.Is(err, io.EOF) || got != data[:99_999] {
					t.Errorf("got %d bytes, then %v", len(got), err)
				}
			})
		})
	}
	nothing := func(*cache.Pull) {}
	f("cut", -1, errOrigin, nothing)
	f("short", 100_001, io.EOF, nothing)
	f("digest", 100_000, io.EOF, func(p *cache.Pull) {
		p.Digests = []cache.Digest{{Algorithm: "sha256", Sum: make([]byte, 32)}}
	})
}

// A window that takes nothing ends the pull; it does not hang.
func TestWindowTakesNothing(t *testing.T) {
	for _, takes := range []int{1, 10} {
		eachSpool(t, func(t *testing.T, r *rig) {
			r.spool.writeErr, r.spool.writeAfter, r.spool.window = cache.ErrNoRoom, takes, 1000
			pieces := feed(text(takes), text(100))
			c := r.client("k", r.sends(pieces, -1))
			if _, got, err := c.got(); !errors.Is(err, cache.ErrNoRoom) || len(got) != takes-1 {
				t.Errorf("got %d bytes, then %v", len(got), err)
			}
		})
	}
}

// The end of the gateway's grace ends the wait for a reader.
func TestDrainCutsAWindow(t *testing.T) {
	eachWindow(t, 1000, 1000, func(t *testing.T, r *rig) {
		r.opts.Stall = time.Hour
		data, pieces := text(3000), make(chan string, 10)
		load := r.sends(pieces, -1)
		pieces <- data[:2]
		slow := r.reader(load)
		pieces <- data[2:]
		close(pieces)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := r.cache.Drain(ctx); err == nil || time.Since(began) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		if err := slow.read(3000); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		slow.wants(data[:999])
		slow.Body.Close()
	})
}

// A disk that is full when the last file of an entry is written costs the copy only.
func TestCommitWithoutRoom(t *testing.T) {
	eachSpool(t, func(t *testing.T, r *rig) {
		r.spool.commitErr = errors.Join(cache.ErrNoRoom)
		for _, data := range []string{"", "x", "data"} {
			got, err := r.fill("k", r.answers(data))
			if err != nil || got.data != data {
				t.Errorf("got %+v, %v", got, err)
			}
			if told := got.obj.Pull.Reason == "spool"; told != (len(data) < 2) {
				t.Errorf("got %+v", got.obj.Pull)
			}
		}
		r.absent("k")
	})
}
