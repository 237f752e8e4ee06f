package buckettest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"mirrorgate/cache"
)

// otherETag is the ETag of no object here.
const otherETag = `"00000000000000000000000000000000"`

// suite is one test with its bucket.
type suite struct {
	*testing.T
	bucket cache.Bucket
	keeps  Keeps
}

// object is an opened object with its body read to the end.
type object struct {
	cache.Object
	data []byte
}

// put stores data under key, create-only, and fails the test if that is refused.
func (s suite) put(key string, data []byte) {
	s.Helper()
	if err := s.write(key, data, ""); err != nil {
		s.Fatalf("put %.60q: %v", key, err)
	}
}

// write stores data under key.
func (s suite) write(key string, data []byte, ifMatch string) error {
	meta := cache.Meta{Size: int64(len(data)), ContentType: "text/plain"}
	return s.bucket.Put(s.Context(), key, bytes.NewReader(data), meta, cache.PutOptions{IfMatch: ifMatch})
}

// open opens an object and fails the test if that fails. The body is closed when the test ends.
func (s suite) open(key string, o cache.ReadOptions) *cache.Object {
	s.Helper()
	obj, err := s.bucket.Open(s.Context(), key, o)
	if err != nil {
		s.Fatalf("open %.60q: %v", key, err)
	}
	if obj.Body != nil {
		s.Cleanup(func() { obj.Body.Close() })
	}
	return obj
}

// get opens an object and reads it to the end.
func (s suite) get(key string, o cache.ReadOptions) object {
	s.Helper()
	obj := s.open(key, o)
	if obj.Body == nil {
		s.Fatalf("open %.60q: no body", key)
	}
	data, err := io.ReadAll(obj.Body)
	if err != nil {
		s.Fatalf("read %.60q: %v", key, err)
	}
	if err := obj.Body.Close(); err != nil {
		s.Errorf("close %.60q: %v", key, err)
	}
	if obj.Length != int64(len(data)) {
		s.Errorf("open %.60q: length %d, but %d bytes", key, obj.Length, len(data))
	}
	return object{*obj, data}
}

// holds fails the test unless key holds data.
func (s suite) holds(key string, data []byte) {
	s.Helper()
	if got := s.get(key, cache.ReadOptions{}); !bytes.Equal(got.data, data) {
		s.Errorf("%.60q holds %d bytes %.40q, want %d bytes %.40q", key, len(got.data), got.data, len(data), data)
	}
}

// etag is the bucket's own ETag of key.
func (s suite) etag(key string) string {
	s.Helper()
	return s.open(key, cache.ReadOptions{HeadersOnly: true}).Meta.Bucket.ETag
}

// openFails fails the test unless opening key gives an error that is one of want.
func (s suite) openFails(key string, o cache.ReadOptions, want ...error) {
	s.Helper()
	obj, err := s.bucket.Open(s.Context(), key, o)
	if err == nil && obj.Body != nil {
		obj.Body.Close()
	}
	s.isOneOf("open "+key, err, want...)
}

// isOneOf fails the test unless err is one of want.
func (s suite) isOneOf(what string, err error, want ...error) {
	s.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	s.Errorf("%.60q: got error %v, want %v", what, err, want)
}

// absentAfter fails the test unless key holds nothing.
func (s suite) absentAfter(what, key string) {
	s.Helper()
	_, err := s.bucket.Open(s.Context(), key, cache.ReadOptions{HeadersOnly: true})
	if !errors.Is(err, cache.ErrNotFound) {
		s.Errorf("after %s: open %.60q gave %v, want ErrNotFound", what, key, err)
	}
}

// race runs write n times at once and returns which of them won. Those that did not must have been told that somebody
// else's object is there.
func (s suite) race(n int, write func(ctx context.Context, i int) error) (winners []int) {
	s.Helper()
	results := make([]chan error, n)
	start := make(chan struct{})
	for i := range n {
		results[i] = make(chan error, 1)
		go func() {
			<-start
			results[i] <- write(s.Context(), i)
		}()
	}
	close(start)
	for i := range n {
		switch err := <-results[i]; {
		case err == nil:
			winners = append(winners, i)
		case !errors.Is(err, cache.ErrPrecondition):
			s.Errorf("writer %d: got error %v, want ErrPrecondition", i, err)
		}
	}
	return winners
}

// randomBytes gives n bytes that are the same for the same seed.
func randomBytes(seed uint64, n int64) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	data := make([]byte, n)
	rand.NewChaCha8(key).Read(data)
	return data
}
