package writeback

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/cache"
)

var errBucket = errors.New("the bucket is broken")

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// openSpool opens the spool of dir with much room. The test closes it.
func openSpool(t testing.TB, dir string) *Spool {
	t.Helper()
	return openSpoolWith(t, dir, SpoolConfig{MaxBytes: 1 << 30, MaxEntries: 1000})
}

func openSpoolWith(t testing.TB, dir string, c SpoolConfig) *Spool {
	t.Helper()
	s, err := OpenSpool(dir, c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeSpool(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func id(key string) cache.ID { return cache.ID{Site: "assets", Key: key} }

// create returns a draft that holds data.
func create(t *testing.T, s *Spool, size int64, data string) cache.Draft {
	t.Helper()
	d, err := s.Create(size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(d, data); err != nil {
		t.Fatal(err)
	}
	return d
}

// commit puts an object into the spool, as a pull does.
func commit(t *testing.T, s *Spool, key, data string) {
	t.Helper()
	commitEntry(t, s, cache.Entry{ID: id(key), Meta: cache.Meta{Size: int64(len(data))}}, data)
}

func commitEntry(t *testing.T, s *Spool, e cache.Entry, data string) {
	t.Helper()
	d := create(t, s, int64(len(data)), data)
	if err := d.Commit(e); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// find returns the entry of a key, or nil.
func find(s *Spool, key string) *entry { return s.find(hashOf(id(key))) }

// takeOut removes the entry of a key as if it were saved.
func takeOut(s *Spool, key string) error {
	removed, err := s.remove(find(s, key), true)
	if err == nil && !removed {
		err = errors.New("it was not removed")
	}
	return err
}

// wantRoom fails unless exactly this much is taken.
func wantRoom(t *testing.T, s *Spool, bytes int64, objects int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used != bytes || s.objects != objects {
		t.Errorf("%d bytes and %d objects are taken, want %d and %d", s.used, s.objects, bytes, objects)
	}
}

// files lists the files below a folder of the spool, sorted, without their folders.
func files(t *testing.T, s *Spool, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, folder), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func wantFiles(t *testing.T, s *Spool, folder string, n int) {
	t.Helper()
	if got := files(t, s, folder); len(got) != n {
		t.Errorf("%s has %d files, want %d: %v", folder, len(got), n, got)
	}
}

// wantObject fails unless the spool gives data for key.
func wantObject(t *testing.T, s *Spool, key, data string) {
	t.Helper()
	obj, err := s.Open(id(key), cache.ReadOptions{})
	if err != nil {
		t.Errorf("%q: %v", key, err)
		return
	}
	defer obj.Body.Close()
	if got, err := io.ReadAll(obj.Body); string(got) != data || err != nil || obj.Tier != cache.TierSpool {
		t.Errorf("%q: got %q, %v, %+v", key, got, err, obj)
	}
}

func wantAbsent(t *testing.T, s *Spool, key string) {
	t.Helper()
	if obj, err := s.Open(id(key), cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("%q: got %+v, %v", key, obj, err)
	}
}

// bucket is one that records what is put. put decides what happens; nil: all is fine.
type bucket struct {
	put func(ctx context.Context, key string) error

	mu      sync.Mutex
	puts    []put
	running int
	most    int // Puts at one time
}

type put struct {
	key, data string
	meta      cache.Meta
	opts      cache.PutOptions
	at        time.Time
}

func (b *bucket) Open(context.Context, string, cache.ReadOptions) (*cache.Object, error) {
	return nil, errors.New("nobody should ask")
}

func (b *bucket) Put(ctx context.Context, key string, body io.ReaderAt, m cache.Meta, o cache.PutOptions) error {
	data, err := io.ReadAll(io.NewSectionReader(body, 0, m.Size))
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.puts = append(b.puts, put{key, string(data), m, o, time.Now()})
	b.running++
	b.most = max(b.most, b.running)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.running--
		b.mu.Unlock()
	}()
	if b.put != nil {
		return b.put(ctx, key)
	}
	return nil
}

func (b *bucket) tries() []put {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.puts)
}

func (b *bucket) keys() string {
	var keys []string
	for _, p := range b.tries() {
		keys = append(keys, p.key)
	}
	return strings.Join(keys, " ")
}

// start runs the write-back, and returns what stops it and waits for it.
func start(t *testing.T, s *Spool, uploads int, b cache.Bucket) (w *Writeback, stop func()) {
	return startWith(t, s, uploads, func(string) (cache.Bucket, bool) { return b, true })
}

func startWith(t *testing.T, s *Spool, uploads int, sites func(string) (cache.Bucket, bool)) (*Writeback, func()) {
	c := DefaultConfig()
	c.Uploads = uploads
	w := New(c, s, sites, func(cache.ID) {}, quiet())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return w, func() {
		cancel()
		running.Wait()
	}
}

func writeTo(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return string(b)
}
