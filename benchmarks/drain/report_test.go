package drain_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pair is what both took, one right after the other.
type pair struct{ ours, rclone cost }

// result is all pairs of a set.
type result struct {
	set   set
	pairs []pair
}

// spread is a distribution.
type spread struct{ median, least, most float64 }

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median, s.least, s.most) }

func (r result) of(value func(pair) float64) spread {
	var all []float64
	for _, p := range r.pairs {
		all = append(all, value(p))
	}
	slices.Sort(all)
	middle := len(all) / 2
	return spread{(all[middle] + all[(len(all)-1)/2]) / 2, all[0], all[len(all)-1]}
}

// wall and cpu are ratios of mirrorgate to rclone.
func (r result) wall() spread {
	return r.of(func(p pair) float64 { return p.ours.wall.Seconds() / p.rclone.wall.Seconds() })
}

func (r result) cpu() spread {
	return r.of(func(p pair) float64 { return p.ours.cpu.Seconds() / p.rclone.cpu.Seconds() })
}

// What stands before and after the part of the README that is written here.
const (
	begin = "<!-- drain: written by make bench-drain -->\n"
	end   = "<!-- end of drain -->\n"
)

// writeReadme puts the results into the file, instead of those of the last time.
func writeReadme(name string, results []result) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	before, rest, _ := strings.Cut(string(old), begin)
	_, after, _ := strings.Cut(rest, end)
	if len(old) == 0 {
		before = "# Benchmarks\n\nEach part is written by the benchmark that it is about.\n\n"
	}
	return os.WriteFile(name, []byte(before+begin+text(results)+end+after), 0o644)
}

func text(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Saving a full spool, beside rclone\n\n")
	fmt.Fprintf(&b, "The time from the start of the program until a MinIO on the same machine has every object, and the "+
		"CPU time of the\nprogram (not of MinIO): mirrorgate with a full spool, and rclone with the same files. Both send "+
		"%d objects at one time,\nand larger ones in parts of %d MiB, %d at one time. One run after the other, who goes "+
		"first changes.\n\n", uploads, partSize>>20, parallel)
	fmt.Fprintf(&b, "- command: `make bench-drain%s`, %s\n- machine: %s, %d cores, %s/%s; files, spool and MinIO on %s\n"+
		"- versions: %s; %s; %s\n- rclone: `rclone %s`\n\n", settings(), time.Now().UTC().Format(time.DateOnly), processor(),
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, fileSystem(), runtime.Version(), first("rclone", "version"),
		minioVersion(), strings.Join(rcloneArgs(), " "))
	fmt.Fprintf(&b, "| objects | pairs | mirrorgate, wall s | rclone, wall s | ratio of wall | ratio of CPU |\n"+
		"|---|---|---|---|---|---|\n")
	for _, r := range results {
		ours := r.of(func(p pair) float64 { return p.ours.wall.Seconds() })
		theirs := r.of(func(p pair) float64 { return p.rclone.wall.Seconds() })
		fmt.Fprintf(&b, "| %d of %d KiB | %d | %v | %v | %v | %v |\n", r.set.files, r.set.size>>10, len(r.pairs), ours, theirs,
			r.wall(), r.cpu())
	}
	b.WriteString("\nMedian (least to most). A ratio is of the two runs of a pair, mirrorgate to rclone: below 1 mirrorgate " +
		"took less.\nOver plain HTTP, rclone signs a SHA-256 of each part besides its MD5; mirrorgate sends the MD5 of " +
		"each part, and compares what the\nserver says of it. Of an object that is sent whole, mirrorgate knows the MD5 " +
		"from its pull, which is not measured here.\n")
	return b.String()
}

// settings are those that differ from the default.
func settings() (said string) {
	for _, name := range []string{"DRAIN_PAIRS", "DRAIN_SMALL", "DRAIN_LARGE", "TMPDIR"} {
		if value := os.Getenv(name); value != "" {
			said += " " + name + "=" + value
		}
	}
	return said
}

// fileSystem is what the temporary folder lies on.
func fileSystem() string {
	var fs unix.Statfs_t
	if err := unix.Statfs(os.TempDir(), &fs); err != nil {
		return err.Error()
	}
	switch int64(fs.Type) {
	case unix.TMPFS_MAGIC:
		return "tmpfs (in memory)"
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	}
	return fmt.Sprintf("a file system of type %#x", fs.Type)
}

func processor() string {
	cpus, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the name is missing
	_, rest, _ := strings.Cut(string(cpus), "model name")
	model, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(strings.TrimLeft(model, "\t :"))
}

// first is the first line that a program prints.
func first(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return program + " " + err.Error()
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// minioVersion is what the set-up of the tests installs.
func minioVersion() string {
	version, _ := os.ReadFile("../../.cache/bin/.minio.version")
	return strings.TrimSpace(string(version))
}
