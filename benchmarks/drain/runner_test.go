package drain_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
	"mirrorgate/cache/writeback"
	"mirrorgate/test/harness"
)

// cost is what a run took: from the start of the program until the bucket had everything, and the time of the cores
// that the program used from its start to its end.
type cost struct{ wall, cpu time.Duration }

func (c cost) String() string {
	return fmt.Sprintf("%.2f s (%.2f s CPU)", c.wall.Seconds(), c.cpu.Seconds())
}

// runner saves a set, from its files or from a spool of them.
type runner struct {
	server *harness.S3Server
	set    set
	source string // the folder of the files
	sums   []string
}

func keyOf(n int) string { return fmt.Sprintf("object-%05d.bin", n) }

func (r *runner) truth(n int) harness.Truth { return harness.Truth{Seed: uint64(n), Size: r.set.size} }

// makeFiles writes the files, and takes their MD5, as a pull does.
func (r *runner) makeFiles(b *testing.B) {
	b.Helper()
	if err := os.Mkdir(r.source, 0o755); err != nil {
		b.Fatal(err)
	}
	for n := range r.set.files {
		sum := md5.New()
		f, err := os.Create(filepath.Join(r.source, keyOf(n)))
		if err == nil {
			_, err = io.Copy(io.MultiWriter(f, sum), r.truth(n).Reader())
		}
		if err = errors.Join(err, f.Close()); err != nil {
			b.Fatal(err)
		}
		r.sums = append(r.sums, hex.EncodeToString(sum.Sum(nil)))
	}
}

// drain starts a gateway with a full spool, and waits until the spool is empty.
func (r *runner) drain(b *testing.B, bucket string) cost {
	b.Helper()
	data := filepath.Join(b.TempDir(), bucket)
	records := r.fill(b, data)
	config := filepath.Join(b.TempDir(), "mirrorgate.yaml")
	text := fmt.Sprintf("server: {listen: %q}\nadmin: {listen: \"\"}\ndata_dir: %q\n"+
		"spool: {max_bytes: 100GiB}\nwriteback: {uploads: %d, part_size: %d}\nsites:\n- name: site\n  hosts: [\"*\"]\n"+
		"  bucket: {s3: {endpoint: %q, name: %s, access_key: %q, secret_key: %q}}\n"+
		"  rules: [{id: all, origin: {primary: \"http://127.0.0.1:1\"}}]\n",
		harness.FreeAddr(b), data, uploads, partSize, r.server.Endpoint, bucket, r.server.AccessKey, r.server.SecretKey)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(harness.Mirrorgate(b), "serve", "--config", config)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the benchmark failed
	waitGone(b, records)
	wall := time.Since(began)
	if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
		b.Fatal(err)
	}
	if err := os.RemoveAll(data); err != nil {
		b.Error(err)
	}
	return cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// waitGone waits until none of the files is there. It looks at one of them at a time: who looks at all takes a core.
func waitGone(b *testing.B, files []string) {
	b.Helper()
	harness.Eventually(b, 30*time.Minute, func() error {
		for ; len(files) > 0; files = files[1:] {
			if _, err := os.Lstat(files[0]); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%d objects are not saved: %w", len(files), err)
			}
		}
		return nil
	})
}

// fill makes a spool of the files, by the way that a pull takes, and returns the files of its records.
func (r *runner) fill(b *testing.B, data string) []string {
	b.Helper()
	spool, err := writeback.OpenSpool(data, writeback.SpoolConfig{MaxBytes: 1 << 40, MaxEntries: 1 << 20},
		slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for n := range r.set.files {
		if err := r.commit(spool, n); err != nil {
			b.Fatal(err)
		}
	}
	if err := spool.Close(); err != nil {
		b.Fatal(err)
	}
	records, err := filepath.Glob(filepath.Join(data, "spool", "pending", "site", "*", "*.json"))
	if err != nil || len(records) != r.set.files {
		b.Fatalf("the spool has %d objects, not %d: %v", len(records), r.set.files, err)
	}
	unix.Sync()
	return records
}

func (r *runner) commit(spool *writeback.Spool, n int) (err error) {
	d, err := spool.Create(r.set.size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	f, err := os.Open(filepath.Join(r.source, keyOf(n)))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(d, f); err != nil {
		return err
	}
	now := time.Now().Truncate(time.Second)
	return d.Commit(cache.Entry{ID: cache.ID{Site: "site", Key: keyOf(n)}, Meta: cache.Meta{
		Size: r.set.size, ContentType: "application/octet-stream", Origin: cache.Provenance{
			Validators: cache.Validators{ETag: `"` + r.sums[n] + `"`, LastModified: now},
			Target:     "primary", Rule: "all", Time: now, Size: r.set.size, MD5: r.sums[n],
		},
	}})
}

// rclone copies the files.
func (r *runner) rclone(b *testing.B, bucket string) cost {
	b.Helper()
	cmd := exec.Command(harness.Binary(b, "rclone"), append(rcloneArgs(), r.source, "target:"+bucket)...)
	cmd.Env = []string{"HOME=" + b.TempDir(), "RCLONE_CONFIG=/dev/null", "RCLONE_CONFIG_TARGET_TYPE=s3",
		"RCLONE_CONFIG_TARGET_PROVIDER=Minio", "RCLONE_CONFIG_TARGET_ENDPOINT=" + r.server.Endpoint,
		"RCLONE_CONFIG_TARGET_REGION=" + harness.Region, "RCLONE_CONFIG_TARGET_ACCESS_KEY_ID=" + r.server.AccessKey,
		"RCLONE_CONFIG_TARGET_SECRET_ACCESS_KEY=" + r.server.SecretKey}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(began)
	if err != nil {
		b.Fatalf("rclone: %v\n%s", err, out)
	}
	return cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// rcloneArgs have the settings of the gateway. rclone looks neither at the bucket before, nor at each object after its
// copy: that would be requests which the gateway does not make.
func rcloneArgs() []string {
	part := fmt.Sprintf("%dMi", partSize>>20)
	return []string{"copy", "--transfers", fmt.Sprint(uploads), "--checkers", fmt.Sprint(uploads), "--no-check-dest",
		"--s3-no-check-bucket", "--s3-no-head", "--s3-chunk-size", part, "--s3-upload-cutoff", part,
		"--s3-upload-concurrency", fmt.Sprint(parallel), "--stats", "0"}
}
