package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/cache/bucket/buckettest"
	"mirrorgate/test/harness"
)

// onServers runs f on an empty bucket of each real server.
func onServers(t *testing.T, f func(t *testing.T, s *harness.S3Server, b *bucket.S3)) {
	for _, start := range []func(testing.TB) *harness.S3Server{harness.StartEncryptingMinIO, harness.StartVersityGW} {
		s := start(t)
		t.Run(s.Name, func(t *testing.T) {
			s.CreateBucket(t, "box")
			f(t, s, openOn(t, s, "box", "site-a/", nil).(*bucket.S3))
		})
	}
}

// memory is a checkpoint in memory.
type memory struct {
	mu sync.Mutex
	up cache.Upload
}

func (m *memory) change(f func(*cache.Upload)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.up)
	return nil
}

func (m *memory) Upload() (up cache.Upload) {
	_ = m.change(func(u *cache.Upload) { up = *u })
	up.Parts = slices.Clone(up.Parts)
	return up
}

func (m *memory) Begin(id string, partSize int64) error {
	return m.change(func(u *cache.Upload) { *u = cache.Upload{ID: id, PartSize: partSize} })
}

func (m *memory) Part(p cache.Part) error {
	return m.change(func(u *cache.Upload) { u.Parts = append(u.Parts, p) })
}

func (m *memory) End() error { return m.change(func(u *cache.Upload) { *u = cache.Upload{} }) }

// counted counts the bytes that are read of it.
type counted struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(data)
	return data
}

// stopMidway begins to put data, and ends the put when parts of 10 MiB are confirmed.
func stopMidway(t *testing.T, b *bucket.S3, key string, data []byte) *memory {
	t.Helper()
	m, g := new(memory), buckettest.NewGrowing(data)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Put(ctx, key, g, cache.Meta{Size: int64(len(data))}, cache.PutOptions{Checkpoint: m})
	}()
	g.Grow(10<<20 + 100)
	harness.Eventually(t, 20*time.Second, func() error {
		if len(m.Upload().Parts) < 2 {
			return errors.New("not two parts yet")
		}
		return nil
	})
	cancel()
	g.Break(context.Canceled)
	if err := <-done; err == nil || m.Upload().ID == "" {
		t.Fatalf("got error %v, remembered %+v", err, m.Upload())
	}
	return m
}

// An upload that was broken off goes on with the part that is missing: of 11 MiB one is read again, twice.
func TestResumeOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, s *harness.S3Server, b *bucket.S3) {
		data := noise(11 << 20)
		m := stopMidway(t, b, "big", data)
		open, err := b.OpenUploads(t.Context(), time.Now().Add(time.Hour))
		if err != nil || len(open) != 1 || open[0].Key != "big" || open[0].ID != m.Upload().ID {
			t.Errorf("open uploads: %+v, error %v", open, err)
		}
		if open, err := b.OpenUploads(t.Context(), time.Now().Add(-time.Hour)); err != nil || len(open) != 0 {
			t.Errorf("open uploads of an hour ago: %+v, error %v", open, err)
		}
		body := &counted{ReaderAt: bytes.NewReader(data)}
		err = b.Put(t.Context(), "big", body, cache.Meta{Size: int64(len(data))}, cache.PutOptions{Checkpoint: m})
		if err != nil {
			t.Fatal(err)
		}
		if n := body.n.Load(); n != 2<<20 {
			t.Errorf("%d bytes were read, want %d", n, 2<<20)
		}
		if m.Upload().ID != "" {
			t.Errorf("remembered %+v", m.Upload())
		}
		obj, err := s.Client().GetObject(t.Context(), "box", "site-a/big", minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(obj); err != nil || !bytes.Equal(got, data) {
			t.Errorf("the object differs: %d bytes, error %v", len(got), err)
		}
	})
}

// A server that does not know the upload any more gets the object anew, and none where it is there already.
func TestForgottenOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, _ *harness.S3Server, b *bucket.S3) {
		data := noise(11 << 20)
		m := stopMidway(t, b, "big", data)
		old := m.Upload()
		for range 2 {
			if err := b.Abort(t.Context(), "big", old.ID); err != nil {
				t.Errorf("abort: %v", err)
			}
		}
		meta := cache.Meta{Size: int64(len(data))}
		if err := b.Put(t.Context(), "big", bytes.NewReader(data), meta, cache.PutOptions{Checkpoint: m}); err != nil {
			t.Error(err)
		}
		m.up = old
		err := b.Put(t.Context(), "big", bytes.NewReader(data), meta, cache.PutOptions{Checkpoint: m})
		if !errors.Is(err, cache.ErrPrecondition) || m.Upload().ID != "" {
			t.Errorf("got error %v, remembered %+v", err, m.Upload())
		}
		if open, err := b.OpenUploads(t.Context(), time.Now().Add(time.Hour)); err != nil || len(open) != 0 {
			t.Errorf("open uploads: %+v, error %v", open, err)
		}
	})
}

// What a rule says of an object is what the server has, for one PUT and for parts; an encryption that it does not know
// is an error, and stores nothing.
func TestOptionsOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, s *harness.S3Server, b *bucket.S3) {
		put := func(key string, size int, o cache.PutOptions) error {
			return b.Put(t.Context(), key, bytes.NewReader(noise(size)), cache.Meta{Size: int64(size)}, o)
		}
		for name, size := range map[string]int{"small": 100, "large": 11 << 20} {
			if err := put(name, size, cache.PutOptions{Tags: map[string]string{"team a": "x=y"}, ACL: "private"}); err != nil {
				t.Fatal(err)
			}
			tags, err := s.Client().GetObjectTagging(t.Context(), "box", "site-a/"+name, minio.GetObjectTaggingOptions{})
			if err != nil || tags.ToMap()["team a"] != "x=y" {
				t.Errorf("%s: tags %v, error %v", name, tags, err)
			}
			for how, o := range map[string]cache.PutOptions{
				"AES256":  {Encryption: cache.EncryptionS3},
				"aws:kms": {Encryption: cache.EncryptionKMS, KMSKey: harness.KMSKey},
			} {
				key := name + "-" + how
				err := put(key, size, o)
				info, statErr := s.Client().StatObject(t.Context(), "box", "site-a/"+key, minio.StatObjectOptions{})
				var failure *cache.BucketError
				switch {
				case s.Name == "minio" && (err != nil || info.Metadata.Get("X-Amz-Server-Side-Encryption") != how):
					t.Errorf("%s: error %v, stored with %v", key, err, info.Metadata)
				case s.Name != "minio" && (!errors.As(err, &failure) || !failure.Lasting || statErr == nil):
					t.Errorf("%s: got error %v, want a lasting one; looking for it: %v", key, err, statErr)
				}
			}
		}
		if s.Name != "minio" {
			return
		}
		for name, o := range map[string]cache.PutOptions{
			"key": {Encryption: cache.EncryptionKMS, KMSKey: "no-such-key"}, "class": {StorageClass: "NO_SUCH_CLASS"},
		} {
			var failure *cache.BucketError
			if err := put("refused", 100, o); !errors.As(err, &failure) || !failure.Lasting {
				t.Errorf("%s: got error %v, want a lasting one", name, err)
			} else {
				t.Logf("%s: %v", name, err)
			}
		}
	})
}
