package drain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"mirrorgate/test/harness"
)

// Settings that both have.
const (
	uploads  = 8        // objects at one time
	partSize = 16 << 20 // bytes; larger objects go up in parts
	parallel = 4        // parts of one object at one time
)

// set is what is saved in one run.
type set struct {
	name  string
	files int
	size  int64
}

// sets have as many files as DRAIN_SMALL and DRAIN_LARGE say.
func sets(b *testing.B) []set {
	return []set{
		{"small", number(b, "DRAIN_SMALL", 10_000), 100 << 10},
		{"large", number(b, "DRAIN_LARGE", 50), 100 << 20},
	}
}

// number reads a positive number from the environment.
func number(b *testing.B, name string, otherwise int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s: must be a number, at least 1", name, text)
	}
	return n
}

// BenchmarkDrain saves each set from a full spool and copies it with rclone, in turns, and reports the ratios. It does
// so as often as DRAIN_PAIRS says, however often the benchmark is to be repeated.
func BenchmarkDrain(b *testing.B) {
	var results []result
	for _, s := range sets(b) {
		b.Run(s.name, func(b *testing.B) { results = append(results, compare(b, s)) })
	}
	if name := os.Getenv("DRAIN_README"); name != "" {
		if err := writeReadme(name, results); err != nil {
			b.Error(err)
		}
	}
}

// compare runs the pairs; who goes first changes.
func compare(b *testing.B, s set) result {
	server := harness.StartMinIO(b)
	r := &runner{server: server, set: s, source: filepath.Join(b.TempDir(), "source")}
	r.makeFiles(b)
	res := result{set: s}
	for i := range number(b, "DRAIN_PAIRS", 5) {
		var p pair
		turns := []func(){
			func() { p.ours = r.measure(b, fmt.Sprintf("ours-%d", i), r.drain) },
			func() { p.rclone = r.measure(b, fmt.Sprintf("rclone-%d", i), r.rclone) },
		}
		if i%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		for _, turn := range turns {
			turn()
		}
		b.Logf("%s: mirrorgate %v, rclone %v", s.name, p.ours, p.rclone)
		res.pairs = append(res.pairs, p)
	}
	b.ReportMetric(res.wall().median, "wall-ratio")
	b.ReportMetric(res.cpu().median, "cpu-ratio")
	return res
}

// measure runs one side into a bucket of its own, which it looks at and removes afterwards.
func (r *runner) measure(b *testing.B, bucket string, run func(b *testing.B, bucket string) cost) cost {
	b.Helper()
	r.server.CreateBucket(b, bucket)
	c := run(b, bucket)
	if n := len(r.server.Keys(b, bucket, "object-")); n != r.set.files {
		b.Fatalf("%s has %d objects, not %d", bucket, n, r.set.files)
	}
	body, _ := r.server.Open(b, bucket, keyOf(r.set.files-1))
	if err := r.truth(r.set.files - 1).Check(body); err != nil {
		b.Errorf("%s: %v", bucket, err)
	}
	if err := body.Close(); err != nil {
		b.Error(err)
	}
	if err := os.RemoveAll(filepath.Join(r.server.Dir, bucket)); err != nil { // quicker than the server would do it
		b.Error(err)
	}
	unix.Sync() // what is left to be written is no part of the next run
	return c
}
