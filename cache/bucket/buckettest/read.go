package buckettest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"
	"time"

	"mirrorgate/cache"
)

func (s suite) absent() {
	s.openFails("absent.txt", cache.ReadOptions{}, cache.ErrNotFound)
	s.openFails("folder/absent.txt", cache.ReadOptions{HeadersOnly: true}, cache.ErrNotFound)
	s.openFails("absent.txt", cache.ReadOptions{Range: &cache.Range{First: 0, Last: 9}}, cache.ErrNotFound)
	s.openFails("absent.txt", cache.ReadOptions{IfMatch: `"d41d8cd98f00b204e9800998ecf8427e"`}, cache.ErrNotFound)
	s.put("folder/present.txt", []byte("x"))
	s.openFails("folder", cache.ReadOptions{}, cache.ErrNotFound)
	s.openFails("folder/present", cache.ReadOptions{}, cache.ErrNotFound)
	s.openFails("folder/present.txt2", cache.ReadOptions{}, cache.ErrNotFound)
}

func (s suite) roundTrip() {
	data := randomBytes(1, 100_000)
	before := time.Now().Add(-2 * time.Minute)
	s.put("images/a.jpg", data)
	whole := s.get("images/a.jpg", cache.ReadOptions{})
	if !bytes.Equal(whole.data, data) {
		s.Error("the bytes differ")
	}
	m := whole.Meta
	if m.Size != 100_000 || whole.Start != 0 || whole.Partial || whole.Tier != cache.TierBucket {
		s.Errorf("object = %+v", whole.Object)
	}
	if tag := m.Bucket.ETag; len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		s.Errorf("etag = %s, want a strong one in quotes", tag)
	}
	if at := m.Bucket.LastModified; at.Before(before) || at.After(time.Now().Add(2*time.Minute)) || at.Nanosecond() != 0 {
		s.Errorf("last modified = %v, want about now in whole seconds", at)
	}
	head := s.open("images/a.jpg", cache.ReadOptions{HeadersOnly: true})
	if head.Body != nil || !reflect.DeepEqual(head.Meta, m) {
		s.Errorf("headers only: body %v, meta %+v, want none and %+v", head.Body, head.Meta, m)
	}
}

func (s suite) emptyObject() {
	s.put("empty", nil)
	if got := s.get("empty", cache.ReadOptions{}); len(got.data) != 0 || got.Meta.Size != 0 {
		s.Errorf("object = %+v", got)
	}
	var outside *cache.RangeError
	_, err := s.bucket.Open(s.Context(), "empty", cache.ReadOptions{Range: &cache.Range{Last: -1}})
	if !errors.As(err, &outside) {
		s.Errorf("range of an empty object: got error %v, want a RangeError", err)
	}
}

// fullMeta uses everything that a bucket keeps.
func fullMeta(size int64) cache.Meta {
	return cache.Meta{
		Size: size, ContentType: "image/jpeg; x=\"y\"", ContentEncoding: "gzip",
		ContentDisposition: `attachment; filename="Übung.jpg"`, CacheControl: "max-age=60,  public",
		Expires: "Wed, 21 Oct 2037 07:28:00 GMT", ContentLanguage: "de, en", AllowOrigin: "*",
		User:   map[string]string{"colour": "red", "name": "Zoë", "empty-ish": "0"},
		Replay: []cache.Field{{Name: "surrogate-key", Value: "a b  c"}, {Name: "x-robots-tag", Value: "noindex"}},
		Origin: cache.Provenance{
			Validators: cache.Validators{ETag: `W/"abc"`, LastModified: time.Unix(1_600_000_000, 0).UTC()},
			Lifetime:   time.Hour, NoCache: true, Target: "backup", Path: "old/a b.jpg", Rule: "images",
			Time: time.Unix(1_700_000_000, 0).UTC(), Size: size,
		},
	}
}

func (s suite) metadata() {
	want := fullMeta(5)
	if err := s.bucket.Put(s.Context(), "full", strings.NewReader("hello"), want, cache.PutOptions{}); err != nil {
		s.Fatal(err)
	}
	for _, o := range []cache.ReadOptions{{}, {HeadersOnly: true}, {Range: &cache.Range{First: 1, Last: 2}}} {
		got := s.open("full", o).Meta
		if got.Bucket.ETag == "" {
			s.Error("no etag")
		}
		got.Bucket = cache.Validators{}
		if !reflect.DeepEqual(got, want) {
			s.Errorf("%+v: got meta\n%+v, want\n%+v", o, got, want)
		}
	}
}

func (s suite) metadataTrimmed() {
	meta := fullMeta(5)
	meta.User = maps.Clone(meta.User)
	for _, name := range []string{"u1", "u2", "u3", "u4"} {
		meta.User[name] = strings.Repeat(name, 400)
	}
	want, dropped := meta.Trimmed()
	if dropped == 0 {
		s.Fatal("nothing to trim")
	}
	if err := s.bucket.Put(s.Context(), "full", strings.NewReader("hello"), meta, cache.PutOptions{}); err != nil {
		s.Fatal(err)
	}
	got := s.open("full", cache.ReadOptions{HeadersOnly: true}).Meta
	got.Bucket = cache.Validators{}
	if !reflect.DeepEqual(got, want) {
		s.Errorf("got meta\n%+v, want\n%+v", got, want)
	}
}

func (s suite) ranges() {
	data := randomBytes(2, 1000)
	s.put("r", data)
	for _, test := range []struct {
		header     string
		start, end int64
	}{
		{"bytes=0-", 0, 1000}, {"bytes=0-0", 0, 1}, {"bytes=10-19", 10, 20}, {"bytes=999-", 999, 1000},
		{"bytes=990-5000", 990, 1000}, {"bytes=-1", 999, 1000}, {"bytes=-5000", 0, 1000}, {"bytes=0-999", 0, 1000},
	} {
		r, _ := cache.ParseRange(test.header)
		got := s.get("r", cache.ReadOptions{Range: &r})
		if !got.Partial || got.Start != test.start || got.Meta.Size != 1000 {
			s.Errorf("%s: %+v", test.header, got.Object)
		}
		if !bytes.Equal(got.data, data[test.start:test.end]) {
			s.Errorf("%s: %d bytes that differ from those wanted", test.header, len(got.data))
		}
	}
	for _, header := range []string{"bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=9223372036854775807-"} {
		r, _ := cache.ParseRange(header)
		_, err := s.bucket.Open(s.Context(), "r", cache.ReadOptions{Range: &r})
		var outside *cache.RangeError
		if !errors.As(err, &outside) || outside.Size != 1000 && outside.Size != -1 {
			s.Errorf("%s: got error %v, want a RangeError of 1000 bytes", header, err)
		}
	}
}

func (s suite) readIfMatch() {
	s.put("k", []byte("one"))
	tag := s.etag("k")
	for _, o := range []cache.ReadOptions{{IfMatch: tag}, {IfMatch: tag, HeadersOnly: true}} {
		if got := s.open("k", o); got.Meta.Bucket.ETag != tag {
			s.Errorf("etag = %s, want %s", got.Meta.Bucket.ETag, tag)
		}
	}
	s.openFails("k", cache.ReadOptions{IfMatch: otherETag}, cache.ErrPrecondition)
	s.openFails("k", cache.ReadOptions{IfMatch: otherETag, HeadersOnly: true}, cache.ErrPrecondition)
	s.openFails("k", cache.ReadOptions{IfMatch: otherETag, Range: &cache.Range{First: 0, Last: 1}}, cache.ErrPrecondition)
}

func (s suite) endedContext() {
	s.put("k", []byte("one"))
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	for _, key := range []string{"k", "absent"} {
		if _, err := s.bucket.Open(ctx, key, cache.ReadOptions{}); err == nil || errors.Is(err, cache.ErrNotFound) {
			s.Errorf("open %q: got error %v, want one that is not ErrNotFound", key, err)
		}
	}
	err := s.bucket.Put(ctx, "new", strings.NewReader("x"), cache.Meta{Size: 1}, cache.PutOptions{})
	if err == nil || errors.Is(err, cache.ErrPrecondition) {
		s.Errorf("put: got error %v, want one that is not ErrPrecondition", err)
	}
	s.absentAfter("an ended put", "new")
}

func (s suite) abandonedReader() {
	data := randomBytes(3, 4<<20)
	s.put("big", data)
	for range 3 {
		obj := s.open("big", cache.ReadOptions{})
		if _, err := io.ReadFull(obj.Body, make([]byte, 10)); err != nil {
			s.Fatal(err)
		}
		if err := obj.Body.Close(); err != nil {
			s.Errorf("close: %v", err)
		}
	}
	s.holds("big", data)
}
