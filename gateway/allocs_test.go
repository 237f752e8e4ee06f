package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/gateway"
	"mirrorgate/rules"
)

// A hit of an S3 bucket costs so many allocations in the whole process at most: reading and parsing the request, the
// signed request to the bucket, its answer, and ours. It is what there is; 20 would still be good.
const bucketHitAllocations = 13

// A hit of memory costs two at most; what the runtime itself does now and then is counted with them.
const memoryHitAllocations = 2.1

// fixed answers every request that ends in an empty line with the same bytes, and allocates nothing for it.
func fixed(t testing.TB, answer []byte) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, n := make([]byte, 8<<10), 0
				for {
					got, err := c.Read(buf[n:])
					if n += got; err != nil {
						return
					}
					if bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						if _, err := c.Write(answer); err != nil {
							return
						}
						n = 0
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve runs a gateway without memory in front of b.
func serve(t testing.TB, b cache.Bucket, m cache.Memory) (addr string) {
	keys := rules.DefaultSetConfig()
	site := &gateway.Site{
		Site: cache.Site{Name: "site", Bucket: b}, Hosts: []string{"*"}, Key: keys,
		Rules: rules.NewSet(keys, nil, rules.Identity{}),
	}
	g := gateway.New(gateway.Options{
		Config: gateway.DefaultConfig(), MaxInflight: 10, Sites: []*gateway.Site{site}, Log: quiet(),
		Cache: cache.New(cache.DefaultLimits(), m, nil, quiet()),
		Ready: func() error { return nil },
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Serve(ctx, ctx, ln) }()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return ln.Addr().String()
}

// asker returns a function that asks over one connection for an object of size bytes, and allocates nothing.
func asker(t testing.TB, addr string, size int) func() {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	request, buf := []byte("GET /images/a.jpg HTTP/1.1\r\nHost: a\r\n\r\n"), make([]byte, 64<<10)
	return func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		for n := 0; ; {
			got, err := c.Read(buf[n:])
			if n += got; err != nil {
				t.Fatalf("after %q: %v", buf[:n], err)
			}
			if head := bytes.Index(buf[:n], []byte("\r\n\r\n")); head >= 0 && n == head+4+size {
				if !bytes.HasPrefix(buf, []byte("HTTP/1.1 200 ")) {
					t.Fatalf("%q", buf[:head])
				}
				return
			}
		}
	}
}

// TestBucketHitAllocations counts over real connections: a client's and a bucket's.
func TestBucketHitAllocations(t *testing.T) {
	if each := hitAllocations(t, cache.Memory{}); pools && each > bucketHitAllocations {
		t.Errorf("%.1f allocations for a hit of the bucket, want at most %d", each, bucketHitAllocations)
	}
}

// TestMemoryHitAllocations counts the same once memory has the object.
func TestMemoryHitAllocations(t *testing.T) {
	if each := hitAllocations(t, cache.DefaultMemory()); pools && each > memoryHitAllocations {
		t.Errorf("%.1f allocations for a hit of memory, want at most %.1f", each, memoryHitAllocations)
	}
}

// holding is an S3 bucket with an object of so many bytes under each key.
func holding(t testing.TB, size int) cache.Bucket {
	body := bytes.Repeat([]byte("a"), size)
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: image/jpeg\r\n"+
		"Last-Modified: Fri, 01 May 2026 10:00:00 GMT\r\nETag: \"9b36b2e89df94bc458d629499d38cf86\"\r\n\r\n%s", len(body), body)
	var config bucket.S3Config
	config.SetDefaults()
	config.Name, config.Endpoint, config.Region = "bucket", "http://"+fixed(t, answer), "us-east-1"
	config.AccessKey, config.SecretKey = "key", "secret"
	b, err := bucket.NewS3(config, "", bucket.NewUploads(bucket.UploadLimits{PartSize: 16 << 20}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hitSize is that of the object that startHits answers with.
const hitSize = 1 << 10

// startHits runs a gateway with a bucket over a real connection.
func startHits(t testing.TB, m cache.Memory) (addr string) { return serve(t, holding(t, hitSize), m) }

// hitAllocations is how many the whole process makes for an answer of 1 KiB.
func hitAllocations(t *testing.T, m cache.Memory) float64 {
	ask := asker(t, startHits(t, m), hitSize)
	for range 100 {
		ask()
	}
	const runs = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		ask()
	}
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / runs
	t.Logf("%.1f allocations", each)
	return each
}
