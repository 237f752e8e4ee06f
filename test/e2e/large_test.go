package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// maxResident is the memory that the gateway may have, whatever the size of an object, in bytes.
const maxResident = 150 << 20

// largeSize is 2 GiB, or what LARGE says, in bytes. It is odd on purpose: no part and no block ends with it.
func largeSize(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("LARGE")
	if text == "" {
		return 2<<30 + 12345
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 64<<20 {
		t.Fatalf("LARGE=%s: must be a number of bytes, at least 64 MiB", text)
	}
	return size
}

// A large object is the same, byte for byte, at the client that pulled it, in the bucket, and at a client that reads it
// from there; and the gateway's memory stays small from its start to its end.
func TestLargeObject(t *testing.T) {
	nginx := harness.StartNginx(t, harness.NginxConfig{})
	body := harness.Truth{Seed: 7, Size: largeSize(t)}
	body.WriteFile(t, filepath.Join(nginx.Root, "large.bin"))
	sum := body.SHA256()
	t.Run("dir", func(t *testing.T) { testLarge(t, newDir(t), nginx, body, sum) })
	t.Run("minio", func(t *testing.T) { testLarge(t, newMinIO(t), nginx, body, sum) })
}

func testLarge(t *testing.T, s *store, nginx *harness.Nginx, body harness.Truth, sum string) {
	began := time.Now()
	lap := func(what string) {
		t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
	}
	g := serve(t, s, mirrorAll(nginx.URL))
	read := func(what string) string {
		t.Helper()
		response := g.Open(t, http.MethodGet, "/large.bin")
		defer response.Body.Close()
		equal(t, "Content-Length", response.ContentLength, body.Size)
		if got := sumOf(t, response.Body); got != sum {
			t.Errorf("%s: SHA-256 %s, want %s", what, got, sum)
		}
		lap(what)
		return response.Header.Get("Cache-Status")
	}
	equal(t, "Cache-Status", read("pulled"), pulled("primary", "all"))
	g.waitTier(t, "/large.bin", hitBucket, 3*time.Minute)
	lap("saved")
	stored, err := s.open(t.Context(), "large.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	if got := sumOf(t, stored); got != sum {
		t.Errorf("in the bucket: SHA-256 %s, want %s", got, sum)
	}
	lap("compared in the bucket")
	equal(t, "Cache-Status", read("read from the bucket"), hitBucket)
	wantLargeRange(t, g, body)
	peak := g.PeakRSS(t)
	t.Logf("%s: %d bytes, at most %d MiB of memory", s.kind, body.Size, peak>>20)
	if peak > maxResident {
		t.Errorf("the gateway had %d MiB of memory, at most %d are due", peak>>20, maxResident>>20)
	}
	g.stopSaved(t)
}

func wantLargeRange(t *testing.T, g *rig, body harness.Truth) {
	t.Helper()
	a := g.Get(t, "/large.bin", "Range", "bytes="+strconv.FormatInt(body.Size-70000, 10)+"-")
	equal(t, "status of the last bytes", a.Status, http.StatusPartialContent)
	if err := body.CheckRange(bytes.NewReader(a.Body), body.Size-70000, 70000); err != nil {
		t.Errorf("the last bytes: %v", err)
	}
}

// sumOf reads a body to its end.
func sumOf(t *testing.T, body io.Reader) string {
	t.Helper()
	sum := sha256.New()
	if n, err := io.Copy(sum, body); err != nil {
		t.Errorf("after %d bytes: %v", n, err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
