package bucket

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"mirrorgate/cache"
)

// BenchmarkDirHit opens an object, reads it all and closes it.
func BenchmarkDirHit(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			d, err := NewDir(b.TempDir(), "", slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			const key = "images/2026/a.jpg"
			meta := cache.Meta{Size: int64(size), ContentType: "image/jpeg", CacheControl: "max-age=60"}
			if err := d.Put(b.Context(), key, strings.NewReader(strings.Repeat("x", size)), meta, cache.PutOptions{}); err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 32<<10)
			b.ReportAllocs()
			for b.Loop() {
				if err := readHit(b, d, key, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// readHit reads an object to its end.
func readHit(tb testing.TB, d *Dir, key string, buf []byte) error {
	o, err := d.Open(tb.Context(), key, cache.ReadOptions{})
	if err != nil {
		return err
	}
	for err == nil {
		_, err = o.Body.Read(buf)
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, o.Body.Close())
}
