package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/cache/bucket/buckettest"
	"mirrorgate/test/harness"
)

// openOn opens an empty bucket on a real server, and waits for its probe.
func openOn(t *testing.T, s *harness.S3Server, name, prefix string, change func(*bucket.S3Config)) bucket.Bucket {
	t.Helper()
	var c bucket.S3Config
	c.SetDefaults()
	c.Endpoint, c.Name, c.Region, c.AccessKey, c.SecretKey = s.Endpoint, name, harness.Region, s.AccessKey, s.SecretKey
	if change != nil {
		change(&c)
	}
	b, err := bucket.New(bucket.Config{Prefix: prefix, S3: &c}, bucket.NewUploads(bucket.UploadLimits{PartSize: 5 << 20}), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	waitReady(t, b)
	return b
}

func waitReady(t *testing.T, b bucket.Bucket) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for tick := time.Tick(5 * time.Millisecond); b.Ready() != nil; {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("not ready: %v", b.Ready())
		}
	}
}

func conformance(t *testing.T, s *harness.S3Server, keeps buckettest.Keeps) {
	var n atomic.Int64
	buckettest.Run(t, func(t *testing.T) cache.Bucket {
		name := fmt.Sprintf("conform-%d", n.Add(1))
		s.CreateBucket(t, name)
		return openOn(t, s, name, "", nil)
	}, keeps)
}

func TestMinIO(t *testing.T) {
	s := harness.StartMinIO(t)
	conformance(t, s, buckettest.Keeps{TrailingSlash: true, ControlBytes: true, LargeCreate: true, LargeReplace: true, LargeSize: 11 << 20})
}

func TestVersityGW(t *testing.T) {
	s := harness.StartVersityGW(t)
	conformance(t, s, buckettest.Keeps{LargeCreate: true, LargeReplace: true, ControlBytes: true, LargeSize: 11 << 20})
}

// The probe leaves nothing behind.
func TestProbeCleansUp(t *testing.T) {
	for _, start := range []func(testing.TB) *harness.S3Server{harness.StartMinIO, harness.StartVersityGW} {
		s := start(t)
		t.Run(s.Name, func(t *testing.T) {
			s.CreateBucket(t, "clean")
			openOn(t, s, "clean", "", nil)
			for obj := range s.Client().ListObjects(t.Context(), "clean", minio.ListObjectsOptions{Recursive: true}) {
				t.Errorf("left behind: %q %v", obj.Key, obj.Err)
			}
			for up := range s.Client().ListIncompleteUploads(t.Context(), "clean", "", true) {
				t.Errorf("upload left behind: %q %v", up.Key, up.Err)
			}
		})
	}
}

// A bucket that does not exist is an error, and never a miss.
func TestNoSuchBucketOnServers(t *testing.T) {
	for _, start := range []func(testing.TB) *harness.S3Server{harness.StartMinIO, harness.StartVersityGW} {
		s := start(t)
		t.Run(s.Name, func(t *testing.T) {
			var c bucket.S3Config
			c.SetDefaults()
			c.Endpoint, c.Name, c.AccessKey, c.SecretKey = s.Endpoint, "nowhere", s.AccessKey, s.SecretKey
			b, err := bucket.New(bucket.Config{S3: &c}, bucket.NewUploads(bucket.UploadLimits{PartSize: 5 << 20}), slog.New(slog.NewTextHandler(t.Output(), nil)))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []cache.ReadOptions{{}, {HeadersOnly: true}} {
				_, err := b.Open(t.Context(), "a.txt", o)
				var failure *cache.BucketError
				if !errors.As(err, &failure) || failure.Code != "NoSuchBucket" {
					t.Errorf("%+v: got error %v, want NoSuchBucket", o, err)
				}
			}
		})
	}
}
