package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/test/harness"
)

// startTestBackend serves until the test ends.
func startTestBackend(t *testing.T) (url string) {
	t.Helper()
	addr := harness.FreeAddr(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveBackend(ctx, addr, 0) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	url = "http://" + addr
	harness.Eventually(t, time.Minute, func() error {
		response, err := http.Get(url + countPath)
		if err == nil {
			response.Body.Close()
		}
		return err
	})
	return url
}

// The start-up probe of a gateway finds a bucket that can do all it asks for, and leaves nothing behind.
func TestBackendPassesProbe(t *testing.T) {
	url := startTestBackend(t)
	var c bucket.S3Config
	c.SetDefaults()
	c.Endpoint, c.Name, c.AccessKey, c.SecretKey = url, bucketName, "key", "secret"
	var log lockedBuffer
	s, err := bucket.NewS3(c, "", bucket.NewUploads(bucket.UploadLimits{PartSize: 5 << 20}),
		slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	defer running.Wait()
	defer cancel()
	harness.Eventually(t, time.Minute, s.Ready)
	if text := log.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "=false") ||
		!strings.Contains(text, "the bucket is ready") {
		t.Errorf("the bucket lacks something:\n%s", text)
	}

	o := newObject(64 << 10)
	got, err := s.Open(t.Context(), keyOf(64<<10), cache.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if body, err := io.ReadAll(got.Body); !bytes.Equal(body, o.block) || err != nil || got.Meta.Bucket.ETag != o.etag {
		t.Errorf("%d bytes, %v, ETag %s", len(body), err, got.Meta.Bucket.ETag)
	}
	if _, err := s.Open(t.Context(), "object-0.bin", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("a key that is none of the objects': %v", err)
	}
}

// lockedBuffer takes a log that is written while it is read.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestBackendRanges(t *testing.T) {
	url := startTestBackend(t) + "/" + keyOf(1<<10)
	o := newObject(1 << 10)
	f := func(method, wanted string, status int, length int64, body []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if wanted != "" {
			request.Header.Set("Range", wanted)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		got, err := io.ReadAll(response.Body)
		if response.StatusCode != status || length >= 0 && response.ContentLength != length || err != nil ||
			body != nil && !bytes.Equal(got, body) {
			t.Errorf("%s %s: %s, %d bytes, Content-Length %d, %v", method, wanted, response.Status, len(got),
				response.ContentLength, err)
		}
	}
	f("GET", "", 200, 1024, o.block)
	f("HEAD", "", 200, 1024, []byte{})
	f("GET", "bytes=10-19", 206, 10, o.block[10:20])
	f("GET", "bytes=1000-", 206, 24, o.block[1000:])
	f("GET", "bytes=-4", 206, 4, o.block[1020:])
	f("GET", "bytes=2000-", 416, -1, nil)
}
