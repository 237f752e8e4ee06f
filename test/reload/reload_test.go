package reload_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// changing is a gateway whose file becomes another again and again. Files are numbered, and what is right depends on
// the number: every answer is by one of those that were in force between the request and the header of the answer.
type changing struct {
	*load
	*harness.Gateway
	dirs    [2]string // buckets with other objects under the same keys
	origins [2]*origin.Server

	begun, done atomic.Int64 // the newest file that may be in force, and that is
}

// config is the file of a number. Each brings another bucket, rule and set of hosts; every second one another origin,
// every fourth other validators.
func (c *changing) config(n int64) string {
	validators := []string{"origin", "bucket"}[n/4%2]
	text := fmt.Sprintf(`
memory: {max_bytes: 8MiB, max_object: 256KiB}
sites:
- name: media
  hosts: ["*"]
  bucket: {dir: %q}
  validators: %s
  rules:
  - {id: cold, match: {prefix: cold/}, rewrite: {replace: %q}, origin: {primary: %q, max_concurrent: %d}}
  - {id: gone, mode: deny, when: miss, deny: {status: %d}}
`, c.dirs[n%2], validators, fmt.Sprintf("v%d/", n%2), c.origins[n/2%2].URL(), 200+n%3, 403+n%2)
	if n%2 == 1 {
		text += fmt.Sprintf("- {name: extra, hosts: [extra.example.com], bucket: {dir: %q}, rules: [{id: x, mode: deny, "+
			"deny: {status: 410}}]}\n", filepath.Join(c.dirs[0], "..", "extra"))
	}
	return text
}

// object is what a bucket has under a key.
func object(bucket int64, key string) harness.Truth {
	seed := uint64(bucket)
	for _, b := range []byte(key) {
		seed = seed*31 + uint64(b)
	}
	size := int64(20_000)
	if strings.HasPrefix(key, "large") {
		size = 2 << 20
	}
	return harness.Truth{Seed: seed, Size: size}
}

const objects = 8

func startChanging(t *testing.T) *changing {
	c := &changing{load: newLoad(t)}
	root := t.TempDir()
	for i := range c.dirs {
		c.dirs[i] = filepath.Join(root, fmt.Sprint("bucket-", i))
		if err := os.Mkdir(c.dirs[i], 0o755); err != nil {
			t.Fatal(err)
		}
		for k := range int64(objects) {
			for _, key := range []string{small(k), large(k)} {
				object(int64(i), key).WriteFile(t, filepath.Join(c.dirs[i], key))
			}
		}
		c.origins[i] = origin.Start(t, origin.Config{})
	}
	c.Gateway = harness.StartGateway(t, c.config(0), harness.WithArgs("--no-watch"), harness.WithEnv("GOGC=25"))
	return c
}

func small(n int64) string { return fmt.Sprintf("small-%d", n%objects) }
func large(n int64) string { return fmt.Sprintf("large-%d", n%objects) }

// reload puts the file of a number in force.
func (c *changing) reload(n int64) {
	c.t.Helper()
	c.begun.Store(n)
	c.WriteConfig(c.t, c.config(n))
	c.Signal(syscall.SIGHUP)
	harness.Eventually(c.t, patience, func() error {
		if got := strings.Count(c.Log(c.t), "the configuration was read again"); int64(got) < n {
			return fmt.Errorf("%d reloads, want %d", got, n)
		}
		return nil
	})
	c.done.Store(n)
}

// by sends a request, and judges the answer by each file that may have been in force: one has to fit.
func (c *changing) by(r request, judge func(n int64, got *http.Response) error) error {
	oldest := c.done.Load()
	r.method = http.MethodGet
	return c.send(r, func(got *http.Response) error {
		var err error
		for n := oldest; n <= c.begun.Load(); n++ {
			if err = judge(n, got); err == nil {
				return nil
			}
		}
		return fmt.Errorf("by the files %d to %d: %w", oldest, c.begun.Load(), err)
	})
}

// stored asks for an object of the buckets. Its size is the same in both, its first bytes tell them apart.
func (c *changing) stored(key, ranged string, first, length int64, pause time.Duration) error {
	return c.by(request{url: c.URL + "/" + key, ranged: ranged}, func(n int64, got *http.Response) error {
		if got.StatusCode/100 != 2 {
			return fmt.Errorf("status %d", got.StatusCode)
		}
		body := peeked(got)
		if !body.begins(object(n%2, key), first) {
			return fmt.Errorf("the bytes are not those of bucket %d", n%2)
		}
		if pause > 0 {
			return object(n%2, key).CheckRange(slowly{body, pause}, first, length)
		}
		return object(n%2, key).CheckRange(body, first, length)
	})
}

// cold asks for an object that nobody has asked for. What it is follows from the rule in force.
func (c *changing) cold(number int64) error {
	name := fmt.Sprintf("~sound,size=30KiB/%d.bin", number)
	return c.by(request{url: c.URL + "/cold/" + name}, func(n int64, got *http.Response) error {
		truth := c.origins[0].Truth(fmt.Sprintf("/v%d/%s", n%2, name))
		if got.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", got.StatusCode)
		}
		body := peeked(got)
		if !body.begins(truth, 0) {
			return fmt.Errorf("the bytes are not those of v%d", n%2)
		}
		return truth.Check(body)
	})
}

// status asks for what a status alone answers.
func (c *changing) status(path, host string, want func(n int64) int) error {
	return c.by(request{url: c.URL + path, host: host}, func(n int64, got *http.Response) error {
		if got.StatusCode != want(n) {
			return fmt.Errorf("status %d, want %d", got.StatusCode, want(n))
		}
		return nil
	})
}

// hosts asks for a host that every second file has a site for.
func (c *changing) hosts(int64) error {
	return c.status("/x", "extra.example.com", func(n int64) int {
		if n%2 == 1 {
			return http.StatusGone
		}
		return int(403 + n%2)
	})
}

// Two hundred reloads of one gateway under load, each of which changes buckets, rules, hosts, origins or validators:
// every answer is right by a file that was in force, and the process holds no more afterwards than before.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	c, form := startChanging(t), formOf()
	c.asks("memory", 2, func(n int64) error { return c.stored(small(n), "", 0, 20_000, 0) })
	c.asks("bucket", 1, func(n int64) error { return c.stored(large(n), "", 0, 2<<20, 0) })
	c.asks("range", 1, func(n int64) error {
		return c.stored(large(n), fmt.Sprintf("bytes=%d-%d", n, n+9_999), n, 10_000, 0)
	})
	c.asks("cold", 2, c.cold)
	c.asks("slow", 2, func(n int64) error { return c.stored(large(n), "", 0, 2<<20, slowPause) })
	c.asks("hosts", 1, c.hosts)
	c.asks("rules", 1, func(int64) error { return c.status("/no", "", func(n int64) int { return int(403 + n%2) }) })
	number := int64(0)
	for ; number < reloads/4; number++ {
		c.reload(number + 1)
		c.more(form.answers)
	}
	memory := c.RSS(t)
	for ; number < reloads; number++ {
		c.reload(number + 1)
		c.more(form.answers)
	}
	c.end()
	grown := c.RSS(t) - memory
	t.Logf("%d reloads, %d right answers, %d wrong; %d KiB more memory at the end than after a quarter",
		number, c.answers.Load(), c.wrong.Load(), grown>>10)
	if grown > 24<<20 {
		t.Errorf("it holds %d bytes more", grown)
	}
	c.noFilesLeft()
	c.noGoroutinesLeft()
}

// perBucket is how many directories a bucket holds open.
const perBucket = 4

// noFilesLeft waits until only the bucket in force is held open. What former ones held is closed when memory is
// collected, to which answers lead.
func (c *changing) noFilesLeft() {
	c.t.Helper()
	number := int64(1 << 40)
	harness.Eventually(c.t, patience, func() error {
		for range 100 {
			if err := c.cold(number); err != nil {
				c.t.Fatal(err)
			}
			number++
		}
		held := slices.DeleteFunc(c.Descriptors(c.t), func(name string) bool { return !strings.Contains(name, "bucket-") })
		if len(held) > perBucket {
			return fmt.Errorf("it holds %q", held)
		}
		return nil
	})
}

// noGoroutinesLeft ends the gateway with a dump of its goroutines: one looks after each bucket in force.
func (c *changing) noGoroutinesLeft() {
	c.t.Helper()
	c.Signal(syscall.SIGQUIT)
	c.Wait(c.t, patience)
	running := 0
	for _, g := range harness.Goroutines(c.Log(c.t)) {
		if g.In("mirrorgate/cache/bucket") == "mirrorgate/cache/bucket.(*Dir).Run" {
			running++
		}
	}
	if running != 1 {
		c.t.Errorf("%d goroutines look after buckets", running)
	}
}
