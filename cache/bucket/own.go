package bucket

import (
	"context"
	"errors"
	"io"
	"strings"

	"mirrorgate/cache"
)

// own is the part of a bucket that mirrorgate keeps for itself.
type own struct {
	open func(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error)
	put  func(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error
}

var _ cache.Bucket = own{}

// Open implements cache.Bucket. No other key is there.
func (p own) Open(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	if !internal(key) {
		return nil, cache.ErrNotFound
	}
	return p.open(ctx, key, o)
}

// Put implements cache.Bucket.
func (p own) Put(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	if !internal(key) {
		return &cache.BucketError{Op: "put", Lasting: true, Err: errNotOwn}
	}
	return p.put(ctx, key, body, meta, o)
}

var errNotOwn = errors.New("only keys under " + cache.InternalPrefix + " are mirrorgate's own")

// Own implements Bucket.
func (d *Dir) Own() cache.Bucket { return own{d.openKey, d.putKey} }

// Own implements Bucket.
func (s *S3) Own() cache.Bucket { return own{s.openKey, s.putFenced} }

// internal tells whether a key is one of those that clients' objects never have.
func internal(key string) bool { return strings.HasPrefix(key, cache.InternalPrefix) }

// putFenced is Put without the look-up that stands in for a condition elsewhere: it leaves a short race.
func (s *S3) putFenced(
	ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions,
) error {
	w, err := s.newUpload(key, body, meta, o)
	if err != nil {
		return err
	}
	if w.guarded {
		return &cache.BucketError{Op: "put", Lasting: true, Err: errNoFence}
	}
	return w.write(ctx)
}

var errNoFence = errors.New("this bucket ignores If-None-Match: of two writers none would learn of the other")
