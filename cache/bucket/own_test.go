package bucket

import (
	"bytes"
	"errors"
	"testing"

	"mirrorgate/cache"
)

// Where the bucket ignores conditions nothing of mirrorgate's own is written: not even what is not there yet, which for
// a client's object a look-up makes likely enough.
func TestOwnNeedsConditions(t *testing.T) {
	f := newFakeS3(t, false)
	f.ignorePut = true
	s := f.ready(nil)
	const key = cache.InternalPrefix + "kept.json"
	data := []byte("kept")
	for _, ifMatch := range []string{"", `"0123"`} {
		err := s.Own().Put(t.Context(), key, bytes.NewReader(data), cache.Meta{Size: 4}, cache.PutOptions{IfMatch: ifMatch})
		var failed *cache.BucketError
		if !errors.As(err, &failed) || !failed.Lasting {
			t.Errorf("If-Match %q: %v", ifMatch, err)
		}
	}
	if _, err := s.Own().Open(t.Context(), key, cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("something was written: %v", err)
	}
	if err := s.Put(t.Context(), "a", bytes.NewReader(data), cache.Meta{Size: 4}, cache.PutOptions{}); err != nil {
		t.Errorf("a client's object: %v", err)
	}
}
