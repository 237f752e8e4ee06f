package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

const bucketName = "assets"

// stage is what the gateways of a fleet stand between.
type stage struct {
	origin *origin.Server
	server *harness.S3Server
	front  *front
	redis  []string // URLs
}

// newStage starts an origin and a bucket, beside a Redis that is there.
func newStage(t *testing.T, redis ...string) *stage {
	t.Helper()
	s := &stage{origin: origin.Start(t, origin.Config{}), server: harness.StartMinIO(t), redis: redis}
	s.server.CreateBucket(t, bucketName)
	s.front = startFront(t, s.server.Endpoint)
	return s
}

// body is the object's that a key has at the origin.
func (s *stage) body(key string) []byte { return s.origin.Truth("/" + key).Bytes() }

// pulls is how often the origin was asked for keys.
func (s *stage) pulls(keys ...string) int {
	sum := 0
	for _, key := range keys {
		sum += s.origin.Requests("/" + key)
	}
	return sum
}

// waitAsked waits until the origin was asked for a key so often.
func (s *stage) waitAsked(t *testing.T, key string, times int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.origin.Wait(ctx, "/"+key, times); err != nil {
		t.Fatalf("the origin was asked for %s %d times, not %d: %v", key, s.pulls(key), times, err)
	}
}

// waitSaved waits until the bucket has these keys, all below one prefix, and compares each object with the origin's.
func (s *stage) waitSaved(t *testing.T, keys ...string) {
	t.Helper()
	prefix := keys[0][:strings.IndexByte(keys[0], '/')+1]
	harness.Eventually(t, patience, func() error {
		has := s.server.Keys(t, bucketName, prefix)
		for n, key := range keys {
			if _, found := slices.BinarySearch(has, key); !found {
				return fmt.Errorf("the bucket lacks %s and perhaps %d more", key, len(keys)-n-1)
			}
		}
		return nil
	})
	for _, key := range keys {
		want := s.body(key)
		body, _ := s.server.Open(t, bucketName, key)
		a := answer{status: http.StatusOK}
		a.compare(body, want)
		wantRight(t, key+" in the bucket", a, want)
		body.Close()
	}
}

// has tells whether the bucket has a key.
func (s *stage) has(t *testing.T, key string) bool {
	t.Helper()
	_, found := s.server.Head(t, bucketName, key)
	return found
}

// small are keys of small objects, below one folder.
func small(folder string, n int) []string {
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("%s/~sound,size=%d/%d.bin", folder, 1+i*17, i))
	}
	return keys
}

// sized is the key of an object of a size, as the origin's paths say it.
func sized(folder, size string) string { return fmt.Sprintf("%s/~sound,size=%s/a.bin", folder, size) }

// wantRight fails the test unless an answer is the whole object.
func wantRight(t *testing.T, what string, a answer, want []byte) {
	t.Helper()
	if err := a.right(want); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// right says what is wrong with an answer that is to be the whole object.
func (a answer) right(want []byte) error {
	switch {
	case a.wrong != nil:
		return a.wrong
	case a.err != nil:
		return fmt.Errorf("after %d of %d bytes: %w", a.got, len(want), a.err)
	case a.status != http.StatusOK:
		return fmt.Errorf("status %d: %.200s", a.status, bytes.TrimSpace(a.text))
	case a.got != len(want):
		return fmt.Errorf("%d bytes of %d, and a clean end", a.got, len(want))
	}
	return nil
}
