package cache_test

import (
	"math"
	"strings"
	"testing"

	"mirrorgate/cache"
)

func TestParseRange(t *testing.T) {
	f := func(header string, want cache.Range) {
		t.Helper()
		got, ok := cache.ParseRange(header)
		if !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", header, got, ok, want)
		}
	}
	f("bytes=0-0", cache.Range{First: 0, Last: 0})
	f("bytes=0-499", cache.Range{First: 0, Last: 499})
	f("bytes=500-", cache.Range{First: 500, Last: -1})
	f("bytes=-500", cache.Range{First: -1, Last: 500})
	f("bytes=-0", cache.Range{First: -1, Last: 0})
	f("bytes=007-008", cache.Range{First: 7, Last: 8})
	f("Bytes=1-2", cache.Range{First: 1, Last: 2}) // range units do not depend on case, section 14.1
	f("BYTES=1-", cache.Range{First: 1, Last: -1})
	f("bytes= 1-2\t", cache.Range{First: 1, Last: 2})
	f("bytes=0-9223372036854775807", cache.Range{First: 0, Last: math.MaxInt64})
	f("bytes=0-9223372036854775808", cache.Range{First: 0, Last: math.MaxInt64})
	f("bytes=0-99999999999999999999999999", cache.Range{First: 0, Last: math.MaxInt64})
	f("bytes=-18446744073709551616", cache.Range{First: -1, Last: math.MaxInt64})
}

func TestParseRangeIgnores(t *testing.T) {
	for _, header := range []string{
		"", "bytes", "bytes=", "bytes=-", "bytes=--1", "bytes=5", "bytes=a-b", "bytes=1-b", "bytes=a-1", "bytes=5-4",
		"bytes=0-0,2-3", "bytes=0-0,", ",bytes=0-0", "bytes=1-2-3", "bytes=+1-2", "bytes=1-+2", "bytes=1 - 2", "bytes=0x1-2",
		"bytes=1_0-20", "bytes=-1-2", "bytes=- 1", "bytes:0-1", "items=0-1", "bytes 0-1/2", "=0-1", "bytes=١-٢", "bytes=1.0-2",
		"bytes=-1e3", "bytes=\x00-1", "none",
	} {
		if r, ok := cache.ParseRange(header); ok {
			t.Errorf("%q: got %+v, want it ignored", header, r)
		}
	}
}

func TestResolve(t *testing.T) {
	f := func(header string, size, start, length int64) {
		t.Helper()
		r, _ := cache.ParseRange(header)
		if gotStart, gotLength, ok := r.Resolve(size); !ok || gotStart != start || gotLength != length {
			t.Errorf("%s of %d: got %d bytes from %d, %v, want %d from %d", header, size, gotLength, gotStart, ok, length, start)
		}
	}
	f("bytes=0-499", 10000, 0, 500)
	f("bytes=500-999", 10000, 500, 500)
	f("bytes=-500", 10000, 9500, 500)
	f("bytes=9500-", 10000, 9500, 500)
	f("bytes=0-0", 1, 0, 1)
	f("bytes=0-0", 10000, 0, 1)
	f("bytes=-1", 10000, 9999, 1)
	f("bytes=9999-9999", 10000, 9999, 1)
	f("bytes=9999-10000", 10000, 9999, 1) // a last position behind the end means the end
	f("bytes=0-99999999999999999999", 7, 0, 7)
	f("bytes=-10001", 10000, 0, 10000) // a suffix longer than the object is the whole
	f("bytes=-99999999999999999999", 7, 0, 7)
	f("bytes=0-", 1, 0, 1)
	f("bytes=9223372036854775806-9223372036854775807", math.MaxInt64, math.MaxInt64-1, 1)
	f("bytes=0-", math.MaxInt64, 0, math.MaxInt64)
}

func TestResolveOutside(t *testing.T) {
	f := func(header string, size int64) {
		t.Helper()
		r, ok := cache.ParseRange(header)
		if !ok {
			t.Fatalf("%s is no range", header)
		}
		if start, length, ok := r.Resolve(size); ok {
			t.Errorf("%s of %d: got %d bytes from %d, want none", header, size, length, start)
		}
	}
	f("bytes=0-", 0)
	f("bytes=0-0", 0)
	f("bytes=-1", 0)
	f("bytes=-0", 0)
	f("bytes=-0", 100)
	f("bytes=100-", 100)
	f("bytes=100-200", 100)
	f("bytes=99999999999999999999-", math.MaxInt64)
	f("bytes=0-", -1)
	f("bytes=-5", -1)
}

func FuzzParseRange(f *testing.F) {
	for _, header := range []string{
		"bytes=0-", "bytes=-1", "bytes=5-7", "bytes=-0", "bytes=0-99999999999999999999", "bytes=0-0,1-1", "items=1-2", "bytes=9-",
	} {
		f.Add(header, int64(10))
	}
	f.Add("bytes=9223372036854775807-", int64(math.MaxInt64))
	f.Add("bytes=0-9999999999999999999,", int64(10))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		r, ok := cache.ParseRange(header)
		if !ok {
			return
		}
		if strings.Contains(header, ",") {
			t.Fatalf("%q: several ranges were taken for one", header)
		}
		if again, ok := cache.ParseRange(r.String()); !ok || again != r {
			t.Fatalf("%q: %+v is written as %s and read back as %+v, %v", header, r, r, again, ok)
		}
		start, length, ok := r.Resolve(size)
		if ok && (start < 0 || length < 1 || start > size-length) {
			t.Fatalf("%q: %d bytes from %d do not lie in %d", header, length, start, size)
		}
	})
}
