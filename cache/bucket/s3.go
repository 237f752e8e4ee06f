package bucket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
)

// S3 is a bucket that is reached over the S3 protocol. Reads are signed and sent here, over connections of their own;
// writes go through minio-go.
type S3 struct {
	config  S3Config
	prefix  string
	uploads *Uploads
	log     *slog.Logger

	endpoint    endpoint
	credentials *credentials
	client      *client
	writes      *http.Transport
	sdk         minio.Core
	canary      *canary

	able    atomic.Pointer[abilities] // nil until the probe has been answered
	problem atomic.Pointer[error]     // of the last probe
	pace    pace
}

// NewS3 opens the bucket that a validated c describes; prefix is put before every key. Buckets share the bounds of
// uploads. No request is sent yet.
func NewS3(c S3Config, prefix string, uploads *Uploads, log *slog.Logger) (*S3, error) {
	e, err := newEndpoint(c)
	if err != nil {
		return nil, err
	}
	s := &S3{
		config: c, prefix: prefix, uploads: uploads,
		log: log.With("bucket", c.Name, "endpoint", e.server), endpoint: e, pace: defaultPace,
	}
	s.credentials = newCredentials(c, s.log)
	s.client = newClient(e, s.credentials, c.Timeouts)
	s.canary = newCanary(s.readCanary)
	s.writes = newWrites(e, c.Timeouts, uploads.bandwidth)
	sdk, err := minio.New(e.server, &minio.Options{
		Creds: s.credentials.sdk, Secure: e.tls != nil, Region: e.region, BucketLookup: e.lookup,
		Transport: witness{s.writes}, MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", c.Endpoint, err)
	}
	s.sdk = minio.Core{Client: sdk}
	return s, nil
}

// Open opens an object; see cache.Bucket. The deadline of ctx holds up to the header of the answer; the body is bounded
// by timeouts.stall, and ended by closing it.
func (s *S3) Open(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	if internal(key) {
		return nil, cache.ErrNotFound
	}
	return s.openKey(ctx, key, o)
}

func (s *S3) openKey(ctx context.Context, key string, o cache.ReadOptions) (*cache.Object, error) {
	full, err := s.fullKey(key)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, full, o)
}

// fullKey puts the prefix before key, and refuses keys that the server is not known to keep apart from others.
func (s *S3) fullKey(key string) (string, error) {
	full := s.prefix + key
	form := formOf(full)
	if able := s.able.Load(); able != nil {
		form &^= able.kept
	}
	if form != 0 || key == "" {
		return "", cache.ErrKeyForm
	}
	return full, nil
}

// Ready is nil once the bucket has answered the probe, even if it may only be read.
func (s *S3) Ready() error {
	if s.able.Load() != nil {
		return nil
	}
	if problem := s.problem.Load(); problem != nil {
		return fmt.Errorf("%w: %w", cache.ErrNotReady, *problem)
	}
	return cache.ErrNotReady
}

// Run probes the bucket until it answers and renews credentials, until ctx ends. Connections of answers that are
// still being read stay.
func (s *S3) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.credentials.run(ctx) })
	wg.Go(func() { s.client.pool.run(ctx) })
	s.keepProbing(ctx)
	wg.Wait()
	s.writes.CloseIdleConnections()
	return nil
}

// exists asks whether there is an object under a full key.
func (s *S3) exists(ctx context.Context, key string) (etag string, found bool, err error) {
	obj, err := s.head(ctx, key, cache.ReadOptions{})
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrDeleted) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return obj.Meta.Bucket.ETag, true, nil
}
