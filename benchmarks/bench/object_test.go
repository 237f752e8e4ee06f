package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The parts of an object that repeats are the same whoever makes them, and bytes of another place are not.
func TestObjectRepeats(t *testing.T) {
	o := newObject(1 << 30)
	const first, length = 3*oneBlock - 10, 2*oneBlock + 20
	var sent bytes.Buffer
	if n, err := (&part{o, first, length}).WriteTo(&sent); n != length || err != nil || sent.Len() != length {
		t.Fatalf("%d bytes, %v", n, err)
	}
	read := make([]byte, length)
	if n, err := o.ReadAt(read, first); n != length || err != nil || !bytes.Equal(read, sent.Bytes()) {
		t.Errorf("%d bytes, %v, or not those that WriteTo gives", n, err)
	}
	if streamed, err := io.ReadAll(io.MultiReader(&part{o, first, length})); err != nil || !bytes.Equal(streamed, read) {
		t.Errorf("%d bytes, %v, or not those that WriteTo gives", len(streamed), err)
	}
	if !o.same(read, first) || o.same(read, first+1<<20) || o.same(read, first+4096) {
		t.Error("the bytes are not told from those of another place")
	}
	if n, err := o.ReadAt(read, o.size-5); n != 5 || err != io.EOF || !o.same(read[:5], o.size-5) || o.same(read[:6], o.size-5) {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}

func TestKeys(t *testing.T) {
	f := func(key string, size int64) {
		t.Helper()
		if got, ok := sizeOf(key); ok && got != size || ok != (size > 0) {
			t.Errorf("%s: %d, %v", key, got, ok)
		}
	}
	f(keyOf(1<<30), 1<<30)
	f(coldKey(10, 7), 10)
	for _, none := range []string{"object-10-07.bin", "object-10-.bin", "object-010.bin", "object-0.bin", "object-1073741825.bin",
		"object-10", "10.bin"} {
		f(none, 0)
	}
}

// What a fetcher accepts is the object, all of it, and nothing else.
func TestFetch(t *testing.T) {
	url := startTestBackend(t)
	f, err := newFetcher(t.Context(), url[len("http://"):], largeBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for _, a := range []ask{{size: 10}, middle(), {size: 1 << 30, middle: 5 << 20}} {
		if took, err := f.fetch(coldKey(a.size, 1), a, newObject(a.size)); err != nil || took.first <= 0 || took.last < took.first {
			t.Errorf("%v: %v, %v", a, took, err)
		}
	}
	other := newObject(10)
	other.block[9]++
	if _, err := f.fetch(keyOf(10), ask{size: 10}, other); err == nil {
		t.Error("a wrong byte is no error")
	}
	shorter := newObject(10)
	shorter.size = 9
	if _, err := f.fetch(keyOf(10), ask{size: 9}, shorter); err == nil {
		t.Error("an object that goes on is no error")
	}
}

func TestMiddle(t *testing.T) {
	a := middle()
	a.host = "a.example"
	const want = "Host: a.example Range: bytes=5210112-5275647"
	if got := strings.Join(a.headers(), " "); got != want || a.length() != 64<<10 || a.status() != http.StatusPartialContent {
		t.Errorf("%s, %d bytes, %d; want %s", got, a.length(), a.status(), want)
	}
}

func TestBackendStreams(t *testing.T) {
	url := startTestBackend(t) + "/" + keyOf(maxWhole+1)
	response, err := http.Head(url)
	if err != nil || response.ContentLength != maxWhole+1 {
		t.Errorf("HEAD: %v, %v", response, err)
	}
	b := &bed{ctx: t.Context(), client: http.DefaultClient}
	s := &server{name: "backend", addr: url[len("http://") : len(url)-len("/"+keyOf(maxWhole+1))]}
	if _, err := b.compare(s, ask{size: maxWhole + 1}); err != nil {
		t.Error(err)
	}
}
