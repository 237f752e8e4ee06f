package writeback

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"mirrorgate/cache"
)

// taker is a bucket that may take the files of bodies, and says of which it need not look at the bytes.
type taker struct {
	bucket
	known chan bool
}

func (b *taker) Put(ctx context.Context, key string, body io.ReaderAt, m cache.Meta, o cache.PutOptions) error {
	settled, ok := body.(cache.Settled)
	b.known <- ok && settled.File() != nil && settled.Known()
	return b.bucket.Put(ctx, key, body, m, o)
}

// A body is known as long as this process has written it and nobody has since.
func TestBodyIsKnown(t *testing.T) {
	f := func(name string, change func(t *testing.T, s *Spool, dir string) *Spool, want bool) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openSpool(t, dir)
			commit(t, s, "a", "data")
			s = change(t, s, dir)
			defer closeSpool(t, s)
			b := &taker{known: make(chan bool, 1)}
			_, stop := start(t, s, 1, b)
			defer stop()
			if got := <-b.known; got != want {
				t.Errorf("known: %v, want %v", got, want)
			}
		})
	}
	f("at once", func(_ *testing.T, s *Spool, _ string) *Spool { return s }, true)
	f("written to", func(t *testing.T, s *Spool, _ string) *Spool {
		later := time.Now().Add(time.Second)
		if err := os.Chtimes(s.bodyPath(find(s, "a")), later, later); err != nil {
			t.Fatal(err)
		}
		return s
	}, false)
	f("after a restart", func(t *testing.T, s *Spool, dir string) *Spool {
		closeSpool(t, s)
		return openSpool(t, dir)
	}, false)
}
