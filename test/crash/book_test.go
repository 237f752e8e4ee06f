package crash_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"mirrorgate/test/origin"
)

// book has the objects that were asked for since the last checkpoint.
type book struct {
	origin *origin.Server
	seed   uint64

	mu      sync.Mutex
	epoch   int
	number  int
	objects []*object
	fresh   map[*object]bool  // they have changed since the gateway was started
	uploads map[string]string // the keys of the uploads in parts that the gateway has remembered, by id
}

func newBook(o *origin.Server, seed uint64) *book {
	return &book{origin: o, seed: seed, fresh: map[*object]bool{}, uploads: map[string]string{}}
}

// prefix is that of all keys until the next checkpoint.
func (b *book) prefix() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("e%d/", b.epoch)
}

// add makes a new object.
func (b *book) add(c class) (*object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number++
	o := &object{class: c, key: fmt.Sprintf("e%d/o%d", b.epoch, b.number)}
	path := "/" + o.key
	if err := b.origin.SetFault(path, c.fault(random(b.seed, ofObject, uint64(b.number)))); err != nil {
		return nil, err
	}
	at := b.origin.Object(path)
	o.truth, o.etag = at.Truth, at.ETag
	b.objects = append(b.objects, o)
	return o, nil
}

// any is an object that was asked for lately, or nil.
func (b *book) any(random *rand.Rand) *object {
	b.mu.Lock()
	defer b.mu.Unlock()
	const lately = 50
	if len(b.objects) == 0 {
		return nil
	}
	return b.objects[len(b.objects)-1-random.IntN(min(lately, len(b.objects)))]
}

// changed notes that a client has got all of an object, or that an application has written one.
func (b *book) changed(o *object) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh[o] = true
}

// sinceRestart returns the objects that have changed since it was called last.
func (b *book) sinceRestart() []*object {
	b.mu.Lock()
	defer b.mu.Unlock()
	fresh := slices.Collect(maps.Keys(b.fresh))
	clear(b.fresh)
	return fresh
}

// remembered notes uploads in parts.
func (b *book) remembered(uploads map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(b.uploads, uploads)
}

// close returns all that was noted, and begins anew.
func (b *book) close() (objects map[string]*object, uploads map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	objects, uploads = make(map[string]*object, len(b.objects)), b.uploads
	for _, o := range b.objects {
		objects[o.key] = o
	}
	b.objects, b.uploads = nil, map[string]string{}
	b.epoch++
	return objects, uploads
}
