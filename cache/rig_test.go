package cache_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrorgate/cache"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// spool lets another one fail, and counts.
type spool struct {
	keeper

	// Set before the cache uses it.
	createErr, openErr, writeErr, readErr, commitErr error
	writeAfter                                       int           // bytes that are written before writeErr comes
	commitGate                                       chan struct{} // Commit returns only once it is closed
	takes                                            int           // bytes of each draft for which the disk has room; 0: all, -1: none
	window                                           int           // bytes of a draft for which it has none; 0: the keeper decides
	reading                                          func()        // called by readers of a window, before they get what is there

	mu                 sync.Mutex
	commits, announced []cache.Entry
	bytes              int // that all drafts have taken
}

func (s *spool) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

func (s *spool) Create(size int64) (cache.Draft, error) {
	if s.createErr != nil {
		return nil, s.createErr
	}
	d, err := s.keeper.Create(size)
	if err != nil {
		return nil, err
	}
	return &draft{Draft: d, spool: s}, nil
}

func (s *spool) Open(id cache.ID, o cache.ReadOptions) (*cache.Object, error) {
	if s.openErr != nil {
		return nil, s.openErr
	}
	return s.keeper.Open(id, o)
}

// committed are the entries whose Commit has returned, in that order.
func (s *spool) committed() []cache.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

type draft struct {
	cache.Draft
	spool   *spool
	written int

	mu   sync.Mutex
	ring []byte // nil: there is no window
}

func (d *draft) Write(p []byte) (int, error) {
	if d.spool.writeErr != nil && d.written+len(p) > d.spool.writeAfter {
		return 0, d.spool.writeErr
	}
	if room := max(0, d.spool.takes) - d.written; d.ring == nil && d.spool.takes != 0 && len(p) > room {
		n, err := d.Draft.Write(p[:room])
		d.written += n
		return n, errors.Join(cache.ErrNoRoom, err)
	}
	if d.ring == nil {
		n, err := d.Draft.Write(p)
		d.written += n
		d.spool.mu.Lock()
		d.spool.bytes += n
		d.spool.mu.Unlock()
		return n, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range p {
		d.ring[(d.written+i)%len(d.ring)] = p[i]
	}
	d.written += len(p)
	return len(p), nil
}

// Wrap has a window of its own, that tests can choose the size of.
func (d *draft) Wrap() int64 {
	if d.spool.window == 0 {
		return d.Draft.Wrap()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ring = make([]byte, d.spool.window)
	if n, _ := d.Draft.ReadAt(d.ring[:d.written], 0); n < d.written {
		return 0
	}
	return int64(len(d.ring))
}

func (d *draft) ReadAt(p []byte, off int64) (int, error) {
	if d.spool.readErr != nil {
		return 0, d.spool.readErr
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ring == nil {
		return d.Draft.ReadAt(p, off)
	}
	if d.spool.reading != nil {
		d.mu.Unlock()
		d.spool.reading()
		d.mu.Lock()
	}
	return copy(p, d.ring[int(off)%len(d.ring):]), nil
}

func (d *draft) Commit(e cache.Entry) error {
	if d.spool.commitGate != nil {
		<-d.spool.commitGate
	}
	if d.spool.commitErr != nil {
		return d.spool.commitErr
	}
	if err := d.Draft.Commit(e); err != nil {
		return err
	}
	d.spool.mu.Lock()
	defer d.spool.mu.Unlock()
	d.spool.commits = append(d.spool.commits, e)
	return nil
}

func spoolFiles(t *testing.T, dir string) (arriving, bodies int, bytes int64) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "spool"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		switch {
		case strings.Contains(path, "/spool/tmp/"):
			arriving++
		case strings.HasSuffix(path, ".new"), strings.HasSuffix(path, ".rep"):
			bodies++
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return arriving, bodies, bytes
}

// rig is a cache between an origin, a spool and a bucket of which each can be made to fail.
type rig struct {
	*testing.T
	cache  *cache.Cache
	site   *cache.Site
	bucket *bucket
	spool  *spool
	opts   cache.FillOptions

	clients sync.WaitGroup
	mu      sync.Mutex
	loads   int // calls of loaders
	bodies  int // of origins, not closed
	left    int // entries that the test leaves in the spool, set by keeps
}

// eachSpool runs f over a spool in memory and over the real one, with a clock of its own. It fails when f leaves a
// goroutine, an open draft or body, a file or room behind.
func eachSpool(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	eachSpoolWith(t, cache.Limits{MaxPulls: 100, MaxWaiting: 1000, MaxNegative: 100}, f)
}

func eachSpoolWith(t *testing.T, l cache.Limits, f func(t *testing.T, r *rig)) {
	t.Helper()
	run := func(name string, newKeeper func(t *testing.T) keeper) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // fails for goroutines that are left
				r := newRig(t, l, newKeeper(t))
				f(t, r)
				r.end()
			})
		})
	}
	run("memory", func(t *testing.T) keeper { return newMemory(t) })
	run("disk", func(t *testing.T) keeper { return newDisk(t, t.TempDir()) })
}

func newRig(t *testing.T, l cache.Limits, k keeper) *rig {
	l.MaxRangePulls, l.MaxSoloPulls = 4, 4
	r := &rig{T: t, bucket: &bucket{objects: map[string]stored{}}, spool: &spool{keeper: k}, left: -1}
	r.cache = cache.New(l, cache.Memory{}, r.spool, quiet())
	r.site = &cache.Site{Name: "assets", Bucket: r.bucket, Save: true}
	r.opts = cache.FillOptions{Wait: time.Second, Stall: 30 * time.Second, Scope: "targets", NegativeTTL: 5 * time.Second}
	return r
}

// end waits for all, and fails when something is left.
func (r *rig) end() {
	r.Helper()
	r.clients.Wait()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	if err := r.cache.Drain(ctx); err != nil {
		r.Error(err)
	}
	if r.bodies != 0 {
		r.Errorf("%d bodies of the origin are not closed", r.bodies)
	}
	if r.left < 0 {
		r.left = len(r.spool.committed())
	}
	r.spool.check(r.left)
}

// commit puts an object into the spool, as a pull does.
func (r *rig) commit(key, data string) {
	r.Helper()
	if got, err := r.fill(key, r.answers(data)); err != nil || got.data != data {
		r.Fatalf("%s: got %+v, %v", key, got, err)
	}
}

// wire is a body that the test sends piece by piece.
type wire struct {
	ctx    context.Context
	chunks chan string
	rest   string
	end    error
	closed func()
}

func newWire() *wire { return &wire{chunks: make(chan string)} }

// send returns when the pull has taken it.
func (w *wire) send(data string) {
	w.chunks <- data
	synctest.Wait()
}

// finish ends the body: io.EOF is its proven end.
func (w *wire) finish(err error) {
	w.end = err
	close(w.chunks)
	synctest.Wait()
}

func (w *wire) Read(p []byte) (int, error) {
	if w.rest == "" {
		select {
		case chunk, ok := <-w.chunks:
			if !ok {
				return 0, w.end
			}
			w.rest = chunk
		case <-w.ctx.Done():
			return 0, context.Cause(w.ctx)
		}
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wire) Close() error {
	w.closed()
	return nil
}

// body counts what is open of an origin.
type body struct {
	io.Reader
	closed func()
}

func (b *body) Close() error {
	b.closed()
	return nil
}

// loader counts loads, and bodies that are not closed.
func (r *rig) loader(load func(ctx context.Context) (*cache.Pull, error)) cache.Loader {
	return func(ctx context.Context) (*cache.Pull, error) {
		r.mu.Lock()
		r.loads++
		r.mu.Unlock()
		p, err := load(ctx)
		if err == nil {
			r.mu.Lock()
			r.bodies++
			r.mu.Unlock()
		}
		return p, err
	}
}

func (r *rig) bodyClosed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies--
}

func (r *rig) loaded() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loads
}

// pulls answers with w as the body, of size bytes (-1: unknown). change, if not nil, alters the answer.
func (r *rig) pulls(w *wire, size int, change func(*cache.Pull)) cache.Loader {
	return r.loader(func(ctx context.Context) (*cache.Pull, error) {
		w.ctx, w.closed = ctx, r.bodyClosed
		p := &cache.Pull{Meta: cache.Meta{Size: int64(size)}, Target: "primary", Body: w}
		if change != nil {
			change(p)
		}
		return p, nil
	})
}

// answers is an origin that sends data at once, each time it is asked.
func (r *rig) answers(data string, changes ...func(*cache.Pull)) cache.Loader {
	return r.loader(func(context.Context) (*cache.Pull, error) {
		p := &cache.Pull{Meta: cache.Meta{Size: int64(len(data))}, Target: "primary"}
		p.Body = &body{strings.NewReader(data), r.bodyClosed}
		for _, change := range changes {
			change(p)
		}
		return p, nil
	})
}

func (r *rig) refuses(err error) cache.Loader {
	return r.loader(func(context.Context) (*cache.Pull, error) { return nil, err })
}

// answer is what a client got.
type answer struct {
	obj  *cache.Object
	data string
}

// fill asks, and reads the answer to its end.
func (r *rig) fill(key string, load cache.Loader) (answer, error) {
	obj, err := r.cache.Fill(r.site, key, r.opts, load)
	if err != nil {
		return answer{}, err
	}
	defer obj.Body.Close()
	data, err := io.ReadAll(obj.Body)
	return answer{obj, string(data)}, err
}

func readAll(t *testing.T, obj *cache.Object) string {
	t.Helper()
	defer obj.Body.Close()
	data, err := io.ReadAll(obj.Body)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// client asks and reads on a goroutine of its own.
type client struct {
	mu   sync.Mutex
	obj  *cache.Object // nil until Fill has returned one
	data []byte
	err  error // of Fill or of the body; io.EOF at a clean end
}

func (r *rig) client(key string, load cache.Loader) *client {
	return r.clientWith(key, r.opts, load, nil)
}

func (r *rig) clientWith(key string, o cache.FillOptions, load cache.Loader, narrow *cache.Range) *client {
	c := &client{}
	r.clients.Go(func() { c.run(r, key, o, load, narrow) })
	synctest.Wait()
	return c
}

func (c *client) run(r *rig, key string, o cache.FillOptions, load cache.Loader, narrow *cache.Range) {
	obj, err := r.cache.Fill(r.site, key, o, load)
	c.mu.Lock()
	c.obj, c.err = obj, err
	c.mu.Unlock()
	if err != nil {
		return
	}
	defer obj.Body.Close()
	if narrow != nil {
		if ok, err := obj.Narrow(*narrow); !ok || err != nil {
			r.Errorf("narrow: %v, %v", ok, err)
		}
	}
	buf := make([]byte, 3000)
	for err == nil {
		var n int
		n, err = obj.Body.Read(buf)
		c.mu.Lock()
		c.data, c.err = append(c.data, buf[:n]...), err
		c.mu.Unlock()
	}
}

// got returns what came so far. The end is nil while more may come, and io.EOF at a clean end.
func (c *client) got() (obj *cache.Object, data string, end error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.obj, string(c.data), c.err
}

func (c *client) wants(t *testing.T, data string) {
	t.Helper()
	if _, got, end := c.got(); got != data || end != io.EOF {
		t.Errorf("got %d bytes and then %v, want these %d and a clean end", len(got), end, len(data))
	}
}

func isBusy(err error, setting string) bool {
	var busy *cache.BusyError
	return errors.As(err, &busy) && busy.Setting == setting
}

// text is n bytes of which no two thousand are the same.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(time.Unix(int64(i)*7919, 0).UTC().Format("150405.2006-01-02 "))
	}
	return b.String()[:n]
}
