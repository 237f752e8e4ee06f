package buckettest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"mirrorgate/cache"
)

func (s suite) createOnly() {
	s.put("k", []byte("first"))
	tag := s.etag("k")
	s.isOneOf("second put", s.write("k", []byte("second"), ""), cache.ErrPrecondition)
	s.isOneOf("put of the same bytes", s.write("k", []byte("first"), ""), cache.ErrPrecondition)
	s.holds("k", []byte("first"))
	if got := s.etag("k"); got != tag {
		s.Errorf("etag changed from %s to %s", tag, got)
	}
}

func (s suite) concurrentCreators() {
	body := func(i int) []byte { return bytes.Repeat([]byte{byte('!' + i)}, 10_000+i) }
	winners := s.race(64, func(_ context.Context, i int) error { return s.write("new/k", body(i), "") })
	if len(winners) != 1 {
		s.Fatalf("%d creators won, want 1", len(winners))
	}
	s.holds("new/k", body(winners[0]))
}

func (s suite) replace() {
	s.put("k", []byte("first"))
	tag := s.etag("k")
	s.isOneOf("put with another etag", s.write("k", []byte("x"), otherETag), cache.ErrPrecondition)
	s.holds("k", []byte("first"))
	if err := s.write("k", []byte("second"), tag); err != nil {
		s.Fatalf("put with the right etag: %v", err)
	}
	s.holds("k", []byte("second"))
	if s.etag("k") == tag {
		s.Error("other bytes have the same etag")
	}
	s.isOneOf("put with the old etag", s.write("k", []byte("third"), tag), cache.ErrPrecondition)
	s.holds("k", []byte("second"))
	s.isOneOf("replacement of nothing", s.write("absent", []byte("x"), tag), cache.ErrPrecondition, cache.ErrNotFound)
	s.absentAfter("a replacement of nothing", "absent")
}

func (s suite) concurrentReplacers() {
	s.put("k", []byte("first"))
	tag := s.etag("k")
	body := func(i int) []byte { return fmt.Appendf(nil, "replacement %d", i) }
	winners := s.race(8, func(_ context.Context, i int) error { return s.write("k", body(i), tag) })
	if len(winners) != 1 {
		s.Fatalf("%d replacers won, want 1", len(winners))
	}
	s.holds("k", body(winners[0]))
}

// readersDuringReplacement shows that a reader gets one object whole, with the metadata of just that object.
func (s suite) readersDuringReplacement() {
	version := func(i int) ([]byte, cache.Meta) {
		data := bytes.Repeat([]byte{byte('a' + i)}, 50_000+i)
		return data, cache.Meta{Size: int64(len(data)), ContentType: fmt.Sprintf("text/x-%c", 'a'+i)}
	}
	data, meta := version(0)
	if err := s.bucket.Put(s.Context(), "k", bytes.NewReader(data), meta, cache.PutOptions{}); err != nil {
		s.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.readUntil(stop) }()
	for i := 1; i <= 20; i++ {
		data, meta := version(i)
		tag := s.etag("k")
		if err := s.bucket.Put(s.Context(), "k", bytes.NewReader(data), meta, cache.PutOptions{IfMatch: tag}); err != nil {
			s.Errorf("replacement %d: %v", i, err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		s.Error(err)
	}
}

// readUntil reads "k" again and again until stop is closed.
func (s suite) readUntil(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		obj, err := s.bucket.Open(s.Context(), "k", cache.ReadOptions{})
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		data, err := io.ReadAll(obj.Body)
		obj.Body.Close()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if int64(len(data)) != obj.Meta.Size || obj.Meta.ContentType != "text/x-"+string(data[:1]) ||
			bytes.Count(data, data[:1]) != len(data) {
			return fmt.Errorf("%d bytes of %q came with %+v", len(data), data[:1], obj.Meta)
		}
	}
}

// damagedBody shows that bytes which do not fit the MD5 of their provenance are not stored.
func (s suite) damagedBody() {
	sum := md5.Sum([]byte("right"))
	meta := cache.Meta{Size: 5, ContentType: "text/plain"}
	meta.Origin = cache.Provenance{Time: time.Unix(1, 0), Size: 5, MD5: hex.EncodeToString(sum[:])}
	err := s.bucket.Put(s.Context(), "k", strings.NewReader("wrong"), meta, cache.PutOptions{})
	s.isOneOf("put of other bytes", err, cache.ErrDamaged)
	s.absentAfter("a damaged body", "k")
	if err := s.bucket.Put(s.Context(), "k", strings.NewReader("right"), meta, cache.PutOptions{}); err != nil {
		s.Fatal(err)
	}
	s.holds("k", []byte("right"))
}

func (s suite) shortBody() {
	meta := cache.Meta{Size: 100, ContentType: "text/plain"}
	if err := s.bucket.Put(s.Context(), "k", strings.NewReader("short"), meta, cache.PutOptions{}); err == nil {
		s.Error("a body that is too short was stored")
	}
	s.absentAfter("a short body", "k")
	meta.Size = 5
	longer := strings.NewReader("short, but it goes on")
	if err := s.bucket.Put(s.Context(), "k", longer, meta, cache.PutOptions{}); err != nil {
		s.Fatalf("put of the first 5 bytes: %v", err)
	}
	s.holds("k", []byte("short"))
}

// errBroken is what a broken body fails with.
var errBroken = errors.New("the disk is broken")

// brokenAfter reads as zeros, and fails from an offset on.
type brokenAfter int64

func (b brokenAfter) ReadAt(p []byte, off int64) (int, error) {
	if n := int64(b) - off; n < int64(len(p)) {
		n = max(n, 0)
		clear(p[:n])
		return int(n), errBroken
	}
	clear(p)
	return len(p), nil
}

func (s suite) brokenBody() {
	s.put("old", []byte("old"))
	tag := s.etag("old")
	meta := cache.Meta{Size: 1 << 20, ContentType: "text/plain"}
	if err := s.bucket.Put(s.Context(), "new", brokenAfter(1<<19), meta, cache.PutOptions{}); err == nil {
		s.Error("a broken body was stored")
	}
	if err := s.bucket.Put(s.Context(), "old", brokenAfter(1<<19), meta, cache.PutOptions{IfMatch: tag}); err == nil {
		s.Error("a broken body replaced an object")
	}
	s.absentAfter("a broken body", "new")
	s.holds("old", []byte("old"))
}

func (s suite) largeObject() {
	data := randomBytes(4, s.keeps.large())
	want := fullMeta(s.keeps.large())
	if err := s.bucket.Put(s.Context(), "large", bytes.NewReader(data), want, cache.PutOptions{}); err != nil {
		s.Fatal(err)
	}
	got := s.get("large", cache.ReadOptions{})
	if !bytes.Equal(got.data, data) {
		s.Error("the bytes differ")
	}
	meta := got.Meta
	meta.Bucket = cache.Validators{}
	if want.Bucket = (cache.Validators{}); fmt.Sprintf("%+v", meta) != fmt.Sprintf("%+v", want) {
		s.Errorf("got meta\n%+v, want\n%+v", meta, want)
	}
	if err := s.bucket.Put(s.Context(), "broken", brokenAfter(s.keeps.large()-1), want, cache.PutOptions{}); err == nil {
		s.Error("a broken body was stored")
	}
	s.absentAfter("a broken body", "broken")
}

func (s suite) largeCreate() {
	data := func(i int) []byte { return randomBytes(uint64(10+i), s.keeps.large()) }
	s.put("k", data(0))
	s.isOneOf("second put", s.write("k", data(1), ""), cache.ErrPrecondition)
	s.holds("k", data(0))
	if !s.keeps.LargeCreate {
		return
	}
	winners := s.race(3, func(_ context.Context, i int) error { return s.write("new", data(i), "") })
	if len(winners) != 1 {
		s.Fatalf("%d creators won, want 1", len(winners))
	}
	s.holds("new", data(winners[0]))
}

func (s suite) largeReplace() {
	first, second := randomBytes(20, s.keeps.large()), randomBytes(21, s.keeps.large())
	s.put("k", first)
	tag := s.etag("k")
	if s.write("k", second, otherETag) == nil {
		s.Error("replaced in spite of another etag")
	}
	s.holds("k", first)
	err := s.write("k", second, tag)
	switch {
	case s.keeps.LargeReplace && err != nil:
		s.Fatalf("put with the right etag: %v", err)
	case !s.keeps.LargeReplace && err == nil:
		s.Fatal("a replacement was not refused by a bucket that cannot check the condition")
	case err == nil:
		s.holds("k", second)
	default:
		s.holds("k", first)
	}
}
