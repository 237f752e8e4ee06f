package bucket

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mirrorgate/cache"
)

// Descriptors are bare: one that is forgotten stays open for good.
func TestDirClosesWhatItOpens(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "k", "data", cache.Meta{})
	put(t, d, "folder/k", "data", cache.Meta{})
	put(t, d, "a//odd", "data", cache.Meta{})
	err := errors.Join(syscall.Mkfifo(filepath.Join(path, "fifo"), 0o644), os.Symlink("k", filepath.Join(path, "link")),
		os.Symlink("/etc/hostname", filepath.Join(path, "out")),
		os.WriteFile(filepath.Join(path, "copied"), []byte("data"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	tag := head(t, d, "k").Bucket.ETag
	before := openBelow(t, path)
	for _, key := range []string{"k", "a//odd", "link", "copied", "fifo", "folder", "out", "absent", "k/below"} {
		for _, o := range []cache.ReadOptions{
			{}, {HeadersOnly: true}, {IfMatch: tag}, {IfMatch: `"x"`},
			{Range: &cache.Range{First: 9, Last: 9}}, {Range: &cache.Range{First: 1, Last: 1}},
		} {
			object, err := d.Open(t.Context(), key, o)
			if err == nil && object.Body != nil {
				if err = errors.Join(object.Body.Close(), closedTwice(object)); err != nil {
					t.Error(err)
				}
			}
			if after := openBelow(t, path); len(after) != len(before) {
				t.Fatalf("%s %+v, %v: open are %v", key, o, err, after)
			}
		}
	}
	d.Close()
	if left := openBelow(t, path); len(left) != 0 {
		t.Errorf("a closed Dir holds %v", left)
	}
}

// closedTwice closes a body that is closed: its number may be another file's by now.
func closedTwice(o *cache.Object) error {
	if err := o.Body.Close(); err != os.ErrClosed {
		return errors.New("a body can be closed twice")
	}
	return nil
}

// openBelow lists what this process has open below path.
func openBelow(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(name, path) {
			names = append(names, name)
		}
	}
	return names
}

// maxHitAllocations is what a hit may take: the key with its prefix, the path for the kernel, the object and its body.
const maxHitAllocations = 4

func TestDirHitAllocations(t *testing.T) {
	d := openDir(t, t.TempDir(), "site-a/")
	put(t, d, "images/a.jpg", strings.Repeat("x", 1<<10), cache.Meta{User: map[string]string{"a": "b"}})
	buf := make([]byte, 4<<10)
	hit := func() {
		if err := readHit(t, d, "images/a.jpg", buf); err != nil {
			t.Error(err)
		}
	}
	if got := testing.AllocsPerRun(200, hit); got > maxHitAllocations {
		t.Errorf("a hit makes %v allocations, at most %d are allowed", got, maxHitAllocations)
	}
}
