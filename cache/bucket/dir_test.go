package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket/buckettest"
)

var keepsAll = buckettest.Keeps{
	EmptySegments: true, DotSegments: true, LeadingSlash: true, TrailingSlash: true, FolderAndFile: true,
	LongSegments: true, InvalidUTF8: true, ControlBytes: true, LargeCreate: true, LargeReplace: true, LargeSize: 3 << 20,
}

// openDir opens the directory bucket at path.
func openDir(t *testing.T, path, prefix string) *Dir {
	t.Helper()
	d, err := NewDir(path, prefix, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDirConforms(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) cache.Bucket { return openDir(t, t.TempDir(), "") }, keepsAll)
}

func TestDirWithPrefixConforms(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) cache.Bucket { return openDir(t, t.TempDir(), "site-a/") }, keepsAll)
}

// On a disk that folds names most keys go aside; nothing else may change.
func TestDirOnFoldingDiskConforms(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) cache.Bucket {
		d := openDir(t, t.TempDir(), "")
		d.folds = true
		return d
	}, keepsAll)
}

func TestDirKeepsToItself(t *testing.T) {
	outer := t.TempDir()
	d := openDir(t, filepath.Join(outer, "bucket"), "")
	for _, key := range []string{"../escaped", "/escaped", "..", "a/../../escaped", "../../../../tmp/escaped", "\\..\\x"} {
		put(t, d, key, "x", cache.Meta{})
	}
	entries, err := os.ReadDir(outer)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the bucket there is %v, %v", entries, err)
	}
}

func TestDirTwoPrefixesInOneDirectory(t *testing.T) {
	path := t.TempDir()
	a, b := openDir(t, path, "a/"), openDir(t, path, "b/")
	put(t, a, "k", "of a", cache.Meta{})
	put(t, b, "k", "of b", cache.Meta{})
	check(t, a, "k", "of a")
	check(t, b, "k", "of b")
	if _, err := a.Open(t.Context(), "../b/k", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("the other prefix can be reached: %v", err)
	}
}

func TestDirFilesArePlain(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "images/Ünïcode/a b.jpg", "bytes", cache.Meta{})
	if got, err := os.ReadFile(filepath.Join(path, "images/Ünïcode/a b.jpg")); string(got) != "bytes" {
		t.Errorf("file holds %q, %v", got, err)
	}
	if left, _ := os.ReadDir(filepath.Join(path, tempDir)); len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	if records := filesBelow(t, filepath.Join(path, recordDir)); len(records) != 1 {
		t.Errorf("records: %v, want one", records)
	}
}

func TestDirETagIsMD5(t *testing.T) {
	d := openDir(t, t.TempDir(), "")
	const hello = "5d41402abc4b2a76b9719d911017c592"
	put(t, d, "computed", "hello", cache.Meta{})
	origin := cache.Provenance{Time: time.Unix(1, 0), Size: 5, MD5: strings.ToUpper(hello)}
	put(t, d, "known", "hello", cache.Meta{Origin: origin})
	origin.MD5 = "nonsense"
	put(t, d, "nonsense", "hello", cache.Meta{Origin: origin})
	for _, key := range []string{"computed", "known", "nonsense"} {
		if got := head(t, d, key).Bucket.ETag; got != `"`+hello+`"` {
			t.Errorf("%s: etag %s", key, got)
		}
	}
}

func TestDirCopiedIn(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	at := time.Unix(1_500_000_000, 123_456_789)
	writeFile(t, filepath.Join(path, "docs/Read.HTML"), "<p>", at)
	writeFile(t, filepath.Join(path, "docs/unknown.zzz"), "?", at)
	writeFile(t, filepath.Join(path, "docs/old"), "?", time.Unix(-5_000_000_000, 0))
	m := head(t, d, "docs/Read.HTML")
	want := cache.Validators{ETag: `"3-14d1120d8271cd15"`, LastModified: time.Unix(1_500_000_000, 0).UTC()}
	if m.ContentType != "text/html" || m.Size != 3 || m.Bucket != want {
		t.Errorf("meta = %+v", m)
	}
	if m := head(t, d, "docs/unknown.zzz"); m.ContentType != "application/octet-stream" {
		t.Errorf("meta = %+v", m)
	}
	if m := head(t, d, "docs/old"); !m.Bucket.LastModified.IsZero() || m.Bucket.ETag == "" {
		t.Errorf("meta = %+v", m)
	}
	check(t, d, "docs/Read.HTML", "<p>")
	if err := write1(t, d, "docs/Read.HTML", ""); !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("put over a file that was copied in: %v", err)
	}
	if err := write1(t, d, "docs/Read.HTML", m.Bucket.ETag); err != nil {
		t.Errorf("replacement of a file that was copied in: %v", err)
	}
	check(t, d, "docs/Read.HTML", "x")
}

// What rsync does: a new file is renamed over the stored one, or written into it.
func TestDirCopiedOver(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		t.Run(fmt.Sprintf("in place %v", inPlace), func(t *testing.T) {
			path := t.TempDir()
			d := openDir(t, path, "")
			put(t, d, "a.txt", "stored", cache.Meta{ContentType: "text/x-stored", CacheControl: "max-age=1"})
			stored := head(t, d, "a.txt")
			name := filepath.Join(path, "a.txt")
			if !inPlace {
				writeFile(t, name+".new", "copied", time.Now())
				if err := os.Rename(name+".new", name); err != nil {
					t.Fatal(err)
				}
			} else {
				writeFile(t, name, "copied", time.Now().Add(time.Second))
			}
			m := head(t, d, "a.txt")
			if m.ContentType != "text/plain" || m.CacheControl != "" || m.Bucket.ETag == stored.Bucket.ETag {
				t.Errorf("meta = %+v, of the file before %+v", m, stored)
			}
			check(t, d, "a.txt", "copied")
		})
	}
}

// A file is copied in where the plain path of an object aside is, and removed again.
func TestDirCopiedInBesideAside(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "a", "file a", cache.Meta{})
	put(t, d, "a/b", "aside", cache.Meta{ContentType: "text/x-aside"})
	check(t, d, "a", "file a")
	check(t, d, "a/b", "aside")
	if err := os.Remove(filepath.Join(path, "a")); err != nil {
		t.Fatal(err)
	}
	check(t, d, "a/b", "aside")
	if err := write1(t, d, "a/b", ""); !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("put beside the copy aside: %v", err)
	}
	writeFile(t, filepath.Join(path, "a/b"), "copied in", time.Now())
	check(t, d, "a/b", "copied in")
	if m := head(t, d, "a/b"); m.ContentType != "application/octet-stream" {
		t.Errorf("the file that was copied in has the metadata of the one aside: %+v", m)
	}
	if _, err := d.Open(t.Context(), "a", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("a folder is an object: %v", err)
	}
	put(t, d, "a", "again", cache.Meta{})
	check(t, d, "a", "again")
	check(t, d, "a/b", "copied in")
}

func TestDirRemovedByHand(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "x/y", "first", cache.Meta{ContentType: "text/x-first"})
	if err := os.RemoveAll(filepath.Join(path, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), "x/y", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("open: %v", err)
	}
	put(t, d, "x/y", "second", cache.Meta{ContentType: "text/x-second"})
	if m := head(t, d, "x/y"); m.ContentType != "text/x-second" {
		t.Errorf("meta = %+v", m)
	}
	if records := filesBelow(t, filepath.Join(path, recordDir)); len(records) != 1 {
		t.Errorf("records: %v, want one", records)
	}
}

func TestDirInternalFolderRemoved(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "k", "v", cache.Meta{ContentType: "text/x"})
	if err := os.RemoveAll(filepath.Join(path, internalDir)); err != nil {
		t.Fatal(err)
	}
	check(t, d, "k", "v")
	put(t, d, internalDir, "a file of this name", cache.Meta{})
	check(t, d, internalDir, "a file of this name")
	if _, err := d.Open(t.Context(), "absent", cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("open: %v", err)
	}
}

// In a directory that is gone nothing is absent: every key would be pulled.
func TestDirGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bucket")
	d := openDir(t, path, "")
	put(t, d, "k", "v", cache.Meta{})
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	_, err := d.Open(t.Context(), "k", cache.ReadOptions{})
	if err == nil || errors.Is(err, cache.ErrNotFound) || !strings.Contains(err.Error(), "directory is gone") {
		t.Errorf("open: %v", err)
	}
	if err := write1(t, d, "k", ""); err == nil {
		t.Error("put succeeded")
	}
}

func TestDirHostileFiles(t *testing.T) {
	outer := t.TempDir()
	path := filepath.Join(outer, "bucket")
	d := openDir(t, path, "")
	writeFile(t, filepath.Join(outer, "secret"), "secret", time.Now())
	writeFile(t, filepath.Join(path, "inside"), "inside", time.Now())
	for name, target := range map[string]string{
		"out": "../secret", "abs": filepath.Join(outer, "secret"), "outdir": "..", "loop": "loop", "etc": "/etc",
		"in": "inside", "dangling": "nothing",
	} {
		if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(path, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"out", "abs", "outdir/secret", "loop", "etc/hostname", "fifo"} {
		if o, err := d.Open(t.Context(), key, cache.ReadOptions{}); err == nil || errors.Is(err, cache.ErrNotFound) {
			t.Errorf("open %s: %+v, %v", key, o, err)
		}
		if err := write1(t, d, key, ""); err == nil {
			t.Errorf("put %s succeeded", key)
		}
	}
	if err := write1(t, d, "outdir/new", ""); err == nil {
		t.Error("put through a link that leads outside succeeded")
	}
	check(t, d, "in", "inside")
	put(t, d, "dangling", "object", cache.Meta{})
	check(t, d, "dangling", "object")
	if names, _ := os.ReadDir(outer); len(names) != 2 {
		t.Errorf("beside the bucket: %v", names)
	}
}

// A file that is written to while it is served does not end as if it were whole.
func TestDirFileChangesWhileServed(t *testing.T) {
	for name, change := range map[string]func(f *os.File) error{
		"cut":   func(f *os.File) error { return f.Truncate(10) },
		"grown": func(f *os.File) error { return f.Truncate(200_000) },
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := openDir(t, path, "")
			put(t, d, "k", strings.Repeat("x", 100_000), cache.Meta{})
			o, err := d.Open(t.Context(), "k", cache.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Body.Close()
			f, err := os.OpenFile(filepath.Join(path, "k"), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := change(f); err != nil {
				t.Fatal(err)
			}
			if data, err := io.ReadAll(o.Body); !errors.Is(err, errFileChanged) || len(data) >= 100_000 {
				t.Errorf("read %d bytes, %v", len(data), err)
			}
		})
	}
}

// The way to create on a disk without hard links.
func TestDirWithoutHardLinks(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	writeFile(t, filepath.Join(path, "taken"), "here before", time.Now())
	w, err := d.stage(t.Context(), d.place("new"), strings.NewReader("x"), cache.Meta{Size: 1}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer w.discard()
	if err := w.renameTo("taken"); !errors.Is(err, os.ErrExist) {
		t.Errorf("renamed over a file: %v", err)
	}
	if err := w.renameTo("new"); err != nil {
		t.Error(err)
	}
	check(t, d, "taken", "here before")
	check(t, d, "new", "x")
}

// A directory on another disk, as seen by the errors of the kernel, is a place that is taken.
func TestDirTakenErrors(t *testing.T) {
	for _, err := range []error{syscall.EXDEV, syscall.ENAMETOOLONG, syscall.EILSEQ, syscall.ENOTDIR} {
		if got := takenOr(&os.LinkError{Op: "link", Err: err}); got != errTaken {
			t.Errorf("%v: %v", err, got)
		}
	}
	for _, err := range []error{syscall.EIO, syscall.EACCES, syscall.EMFILE, syscall.ENOENT, syscall.ENOSPC} {
		if got := takenOr(&os.PathError{Op: "open", Err: err}); !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// Keys that differ in case stay apart on a disk that folds names, and files copied in are found as they are spelled.
func TestDirFolding(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	d.folds = true
	put(t, d, "Dir/A.JPG", "upper", cache.Meta{})
	put(t, d, "dir/a.jpg", "lower", cache.Meta{})
	check(t, d, "Dir/A.JPG", "upper")
	check(t, d, "dir/a.jpg", "lower")
	files := strings.Join(filesBelow(t, path), "\n")
	if !strings.Contains(files, "dir/a.jpg") || strings.Contains(files, "JPG") {
		t.Errorf("files: %s", files)
	}
	writeFile(t, filepath.Join(path, "Photo.JPG"), "copied in", time.Now())
	check(t, d, "Photo.JPG", "copied in")
	if !d.exact("dir/a.jpg") || d.exact("dir/A.jpg") || d.exact("DIR/a.jpg") || d.exact("dir/absent") {
		t.Error("exact does not tell how a path is spelled")
	}
}

// Two gateways, or one before and after a reload, write one directory: neither knows of the other's locks.
func TestDirTwoWriters(t *testing.T) {
	path := t.TempDir()
	dirs := []*Dir{openDir(t, path, ""), openDir(t, path, "")}
	keys := []string{"a", "a/b", "a/b/c", "d/e", "d", "//x", "f"}
	const writers = 6
	type result struct {
		key string
		by  int
		err error
	}
	results := make(chan result)
	for _, key := range keys {
		for by := range writers {
			go func() {
				data := fmt.Sprintf("%s by %d", key, by)
				meta := cache.Meta{Size: int64(len(data)), ContentType: fmt.Sprintf("text/x-%d", by)}
				err := dirs[by%2].Put(t.Context(), key, strings.NewReader(data), meta, cache.PutOptions{})
				results <- result{key, by, err}
			}()
		}
	}
	winners := map[string]int{}
	for range len(keys) * writers {
		r := <-results
		if _, twice := winners[r.key]; r.err == nil && twice {
			t.Errorf("%q was created twice", r.key)
		}
		if r.err == nil {
			winners[r.key] = r.by
		} else if !errors.Is(r.err, cache.ErrPrecondition) {
			t.Errorf("%q: %v", r.key, r.err)
		}
	}
	for _, key := range keys {
		check(t, dirs[0], key, fmt.Sprintf("%s by %d", key, winners[key]))
		if m := head(t, dirs[1], key); m.ContentType != fmt.Sprintf("text/x-%d", winners[key]) {
			t.Errorf("%q by %d has the metadata %+v", key, winners[key], m)
		}
	}
}

func put(t *testing.T, d *Dir, key, data string, meta cache.Meta) {
	t.Helper()
	meta.Size = int64(len(data))
	if err := d.Put(t.Context(), key, strings.NewReader(data), meta, cache.PutOptions{}); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

// write1 tries to put one byte.
func write1(t *testing.T, d *Dir, key, ifMatch string) error {
	return d.Put(t.Context(), key, strings.NewReader("x"), cache.Meta{Size: 1}, cache.PutOptions{IfMatch: ifMatch})
}

func head(t *testing.T, d *Dir, key string) cache.Meta {
	t.Helper()
	o, err := d.Open(t.Context(), key, cache.ReadOptions{HeadersOnly: true})
	if err != nil {
		t.Fatalf("open %q: %v", key, err)
	}
	return o.Meta
}

func check(t *testing.T, d *Dir, key, want string) {
	t.Helper()
	o, err := d.Open(t.Context(), key, cache.ReadOptions{})
	if err != nil {
		t.Errorf("open %q: %v", key, err)
		return
	}
	defer o.Body.Close()
	if got, err := io.ReadAll(o.Body); !bytes.Equal(got, []byte(want)) || err != nil {
		t.Errorf("%q holds %q, %v, want %q", key, got, err, want)
	}
}

func writeFile(t *testing.T, name, data string, at time.Time) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err := errors.Join(err, os.WriteFile(name, []byte(data), 0o644), os.Chtimes(name, at, at)); err != nil {
		t.Fatal(err)
	}
}

// filesBelow lists the regular files below path, relative to it.
func filesBelow(t *testing.T, path string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(name string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			rel, _ := filepath.Rel(path, name)
			files = append(files, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
