package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket/buckettest"
)

// settled is a body that is a file.
type settled struct {
	io.ReaderAt
	file  *os.File
	known bool
}

func (s settled) File() *os.File { return s.file }
func (s settled) Known() bool    { return s.known }

// settle writes a body to a file of its own in dir.
func settle(t *testing.T, dir, data string, known bool) settled {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
	return settled{f, f, known}
}

// adopter puts bodies that are files, where they can be.
type adopter struct {
	*Dir
	t     *testing.T
	files string
}

func (a adopter) Put(ctx context.Context, key string, body io.ReaderAt, meta cache.Meta, o cache.PutOptions) error {
	switch body.(type) {
	case *strings.Reader, *bytes.Reader:
		data, err := io.ReadAll(io.NewSectionReader(body, 0, meta.Size))
		if err != nil {
			return err
		}
		body = settle(a.t, a.files, string(data), false)
	}
	return a.Dir.Put(ctx, key, body, meta, o)
}

func TestDirAdoptsConforms(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) cache.Bucket {
		return adopter{openDir(t, t.TempDir(), ""), t, t.TempDir()}
	}, keepsAll)
}

// Where no folder can be opened in one step, everything goes through os.Root.
func TestDirLongWayConforms(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) cache.Bucket {
		d := openDir(t, t.TempDir(), "")
		d.top.Close()
		d.temp.Close()
		return d
	}, keepsAll)
}

func isSame(t *testing.T, f *os.File, path string) bool {
	t.Helper()
	a, err := f.Stat()
	b, errPath := os.Stat(path)
	if err := errors.Join(err, errPath); err != nil {
		t.Fatal(err)
	}
	return os.SameFile(a, b)
}

// The object is the very file, with the mode of any other object, and lasts when its first name goes.
func TestDirAdopts(t *testing.T) {
	path, files := t.TempDir(), t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "copied", "data", cache.Meta{})
	copied, err := os.Stat(filepath.Join(path, "copied"))
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte("data"))
	for _, known := range []bool{true, false} {
		for _, key := range []string{"k", "d/k", "//odd"} {
			body := settle(t, files, "data", known)
			meta := cache.Meta{Size: 4, ContentType: "text/x"}
			meta.Origin.MD5 = hex.EncodeToString(sum[:])
			if err := d.Put(t.Context(), key, body, meta, cache.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(body.file.Name()); err != nil {
				t.Fatal(err)
			}
			check(t, d, key, "data")
			if m := head(t, d, key); m.ContentType != "text/x" || m.Bucket.ETag != `"`+meta.Origin.MD5+`"` {
				t.Errorf("meta = %+v", m)
			}
			f, err := d.find(d.place(key))
			if err != nil {
				t.Fatal(err)
			}
			f.file.close()
			if at := filepath.Join(path, f.path); !isSame(t, body.file, at) {
				t.Errorf("%s is a copy", key)
			} else if info, err := os.Stat(at); err != nil || info.Mode() != copied.Mode() {
				t.Errorf("mode %v, %v, of a copy %v", info.Mode(), err, copied.Mode())
			}
			if err := os.Remove(filepath.Join(path, f.path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left := filesBelow(t, filepath.Join(path, tempDir)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// What another folder has given a file, it would take along: such a file is copied.
func TestDirCopiesWhatIsOfAnotherKind(t *testing.T) {
	for name, change := range map[string]func(f *os.File) error{
		"attribute": func(f *os.File) error { return unix.Fsetxattr(int(f.Fd()), "user.x", []byte("y"), 0) },
		"group":     func(f *os.File) error { return f.Chown(-1, os.Getgid()+1) },
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := openDir(t, path, "")
			body := settle(t, t.TempDir(), "data", true)
			if err := change(body.file); err != nil {
				t.Logf("not asked: %v", err) // a disk without attributes, or a user who may not
				return
			}
			if err := d.Put(t.Context(), "k", body, cache.Meta{Size: 4}, cache.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if check(t, d, "k", "data"); isSame(t, body.file, filepath.Join(path, "k")) {
				t.Error("it was adopted")
			}
		})
	}
}

// A file that was written to since its MD5 was made, or that is not what its size says, becomes no object.
func TestDirDoesNotAdopt(t *testing.T) {
	f := func(name, data string, known bool, o cache.PutOptions, want error) {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := openDir(t, path, "")
			put(t, d, "here", "before", cache.Meta{})
			sum := md5.Sum([]byte("data"))
			meta := cache.Meta{Size: 4}
			meta.Origin.MD5 = hex.EncodeToString(sum[:])
			key := "k"
			if errors.Is(want, cache.ErrPrecondition) {
				key = "here"
			}
			err := d.Put(t.Context(), key, settle(t, t.TempDir(), data, known), meta, o)
			if !errors.Is(err, want) {
				t.Errorf("put: %v", err)
			}
			check(t, d, "here", "before")
			if files := filesBelow(t, path); len(files) != 2 {
				t.Errorf("left: %v", files)
			}
		})
	}
	f("changed", "dada", false, cache.PutOptions{}, cache.ErrDamaged)
	f("short", "dat", true, cache.PutOptions{}, io.ErrUnexpectedEOF)
	f("short and not known", "dat", false, cache.PutOptions{}, io.ErrUnexpectedEOF)
	f("long", "data, data", true, cache.PutOptions{}, io.ErrUnexpectedEOF)
	f("not the first", "data", true, cache.PutOptions{}, cache.ErrPrecondition)
	f("not the next", "data", true, cache.PutOptions{IfMatch: `"other"`}, cache.ErrPrecondition)
}

// Another process may have made the object since it was looked for: that is not undone.
func TestDirRenameReplacesNothing(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	writeFile(t, filepath.Join(path, "taken"), "here before", time.Now())
	w, err := d.stage(t.Context(), d.place("new"), strings.NewReader("x"), cache.Meta{Size: 1}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer w.discard()
	if err := d.renameNew(w.temp, "taken"); !errors.Is(err, os.ErrExist) && !errors.Is(err, errLongWay) {
		t.Errorf("renamed over a file: %v", err)
	}
	check(t, d, "taken", "here before")
	if err := d.renameNew(w.temp, "folder/new"); err != nil && !errors.Is(err, errLongWay) {
		t.Error(err)
	} else if err == nil {
		check(t, d, "folder/new", "x")
	}
}
