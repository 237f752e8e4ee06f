package writeback

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

// savedIn is how long it takes from when the gateway is ready until the bucket has the first object.
const savedIn = time.Second

// readyIn is how long the start with n objects may take from the exec on: 2 s with 300,000.
func readyIn(n int) time.Duration { return 500*time.Millisecond + time.Duration(n)*5*time.Microsecond }

// mostRSS is how much memory it may take, in bytes: 200 MiB with 300,000.
func mostRSS(n int) int64 { return 40<<20 + int64(n)*559 }

// starts is how often the gateway is started with the queue at most: a machine that does other things at the same time
// is given another chance.
const starts = 3

// longQueue is how many objects wait: what fits into every test run, or what MIRRORGATE_STARTUP says.
func longQueue(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MIRRORGATE_STARTUP")
	if text == "" {
		return 50_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		t.Fatalf("MIRRORGATE_STARTUP=%s: must be a number of objects, at least 1000", text)
	}
	return n
}

// A gateway that is started with a long queue is ready soon, and takes little memory for it. It saves at once, and
// serves each object that waits.
func TestStartWithLongQueue(t *testing.T) {
	server := harness.StartMinIO(t)
	harness.Mirrorgate(t) // building it is no part of the start
	dir, n := t.TempDir(), longQueue(t)
	began := time.Now()
	makeQueue(t, dir, n)
	t.Logf("%d objects put into the spool in %v", n, time.Since(began).Round(time.Millisecond))
	var err error
	for i := range starts {
		err = startOnce(t, server, fmt.Sprintf("bucket-%d", i), dir, n)
		if err == nil {
			return
		}
	}
	t.Errorf("started %d times, each too slow or too large: the last time %v", starts, err)
}

// startOnce starts a gateway with the queue and an empty bucket, and kills it.
func startOnce(t *testing.T, server *harness.S3Server, bucket, dir string, n int) error {
	t.Helper()
	server.CreateBucket(t, bucket)
	began := time.Now()
	g := harness.StartGateway(t, fmt.Sprintf("sites:\n- name: assets\n  hosts: [\"*\"]\n"+
		"  bucket: {s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}\n"+
		"  rules: [{id: all, origin: {primary: \"http://127.0.0.1:1\"}}]\n",
		server.Endpoint, bucket, server.AccessKey, server.SecretKey), harness.WithDataDir(dir))
	defer g.Kill()
	ready := time.Since(began)
	answer := g.Get(t, "/"+queuedKey(n-1)) // the last of the queue
	answered := time.Since(began)
	first := waitSaved(t, server, bucket).Sub(began)
	rss := g.RSS(t)
	if answer.Status != http.StatusOK || string(answer.Body) != queuedKey(n-1) ||
		answer.Header.Get("Cache-Status") != "mirrorgate; hit; detail=spool" {
		t.Errorf("an object that waits: %d, %q, %v", answer.Status, answer.Body, answer.Header)
	}
	report := fmt.Sprintf("ready after %v, an object that waits is answered after %v, the first is saved after %v; %d MiB",
		ready.Round(time.Millisecond), answered.Round(time.Millisecond), first.Round(time.Millisecond), rss>>20)
	t.Log(report)
	if ready > readyIn(n) || first > ready+savedIn || rss > mostRSS(n) {
		return errors.New(report)
	}
	return nil
}

// waitSaved returns when the bucket has the first object, and when that was.
func waitSaved(t *testing.T, server *harness.S3Server, bucket string) time.Time {
	t.Helper()
	harness.Eventually(t, 30*time.Second, func() error {
		if len(server.Keys(t, bucket, "queue/")) == 0 {
			return errors.New("nothing is saved")
		}
		return nil
	})
	return time.Now()
}

func queuedKey(i int) string { return fmt.Sprintf("queue/%03d/object-%06d.txt", i%1000, i) }

// makeQueue makes a spool of n objects, each with its key as bytes. All but the first hundred it writes straight to the
// places where a commit leaves them: a commit takes ten times as long, as it goes by way of the folder tmp.
func makeQueue(t *testing.T, dir string, n int) {
	t.Helper()
	s := openSpoolWith(t, dir, SpoolConfig{MaxBytes: 1 << 40, MaxEntries: n})
	defer closeSpool(t, s)
	const committed, writers = 100, 4
	for i := range committed {
		commitEntry(t, s, queuedEntry(i), queuedKey(i))
	}
	var running errgroup.Group
	for w := range writers {
		running.Go(func() error {
			for i := committed + w; i < n; i += writers {
				if err := s.place(queuedEntry(i), queuedKey(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := running.Wait(); err != nil {
		t.Fatal(err)
	}
}

// queuedEntry has what a pull from an ordinary web server leaves.
func queuedEntry(i int) cache.Entry {
	size, at := int64(len(queuedKey(i))), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return cache.Entry{
		ID: id(queuedKey(i)),
		Meta: cache.Meta{
			Size: size, ContentType: "text/plain; charset=utf-8", CacheControl: "public, max-age=3600",
			Origin: cache.Provenance{
				Validators: cache.Validators{ETag: fmt.Sprintf(`"%x-of-the-origin"`, i), LastModified: at},
				Target:     "primary", Rule: "all", Time: at, Size: size,
			},
		},
	}
}

// place writes the two files of an entry.
func (s *Spool) place(e cache.Entry, data string) error {
	put := &entry{name: name{hash: hashOf(e.ID), serial: s.nextSerial(), size: e.Meta.Size}, site: e.ID.Site}
	if err := os.MkdirAll(s.folder(put), 0o700); err != nil {
		return err
	}
	raw, err := json.Marshal(newRecord(e, put.serial))
	if err == nil {
		err = os.WriteFile(s.bodyPath(put), []byte(data), 0o600)
	}
	if err == nil {
		err = os.WriteFile(s.recordPath(put, waitingSuffix), raw, 0o600)
	}
	return err
}
