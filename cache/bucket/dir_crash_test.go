package bucket

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

// crashedPut does the first n steps of a Put and then nothing more, as a process that is killed there.
func crashedPut(t *testing.T, d *Dir, key, data, contentType, ifMatch string, n int) {
	t.Helper()
	meta := cache.Meta{Size: int64(len(data)), ContentType: contentType}
	var w *write
	steps := []func() (err error){
		func() (err error) {
			w, err = d.stage(t.Context(), d.place(key), strings.NewReader(data), meta, ifMatch)
			return err
		},
		func() error { return w.describe(meta) },
		func() error { return w.commit(ifMatch) },
		func() error { return w.settle() },
	}
	for _, step := range steps[:n] {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirCrashWhileCreating(t *testing.T) {
	for _, key := range []string{"k", "d/k", "//odd"} {
		for n := range 5 {
			t.Run(fmt.Sprintf("%s after %d steps", strings.ReplaceAll(key, "/", "_"), n), func(t *testing.T) {
				path := t.TempDir()
				crashedPut(t, openDir(t, path, ""), key, "new", "text/x-new", "", n)
				d := openDir(t, path, "")
				if n < 3 {
					if _, err := d.Open(t.Context(), key, cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
						t.Errorf("open: %v", err)
					}
					put(t, d, key, "new", cache.Meta{ContentType: "text/x-new"})
				}
				check(t, d, key, "new")
				if m := head(t, d, key); m.ContentType != "text/x-new" {
					t.Errorf("meta = %+v", m)
				}
			})
		}
	}
}

func TestDirCrashWhileReplacing(t *testing.T) {
	for _, key := range []string{"k", "//odd"} {
		for n := range 5 {
			t.Run(fmt.Sprintf("%s after %d steps", strings.ReplaceAll(key, "/", "_"), n), func(t *testing.T) {
				path := t.TempDir()
				d := openDir(t, path, "")
				put(t, d, key, "old", cache.Meta{ContentType: "text/x-old"})
				crashedPut(t, d, key, "new", "text/x-new", head(t, d, key).Bucket.ETag, n)
				d = openDir(t, path, "")
				want := "old"
				if n >= 3 {
					want = "new"
				}
				check(t, d, key, want)
				m := head(t, d, key)
				if m.ContentType != "text/x-"+want {
					t.Errorf("meta = %+v", m)
				}
				o := cache.PutOptions{IfMatch: m.Bucket.ETag}
				meta := cache.Meta{Size: 5, ContentType: "text/x-later"}
				if err := d.Put(t.Context(), key, strings.NewReader("later"), meta, o); err != nil {
					t.Fatal(err)
				}
				check(t, d, key, "later")
				if m := head(t, d, key); m.ContentType != "text/x-later" {
					t.Errorf("meta = %+v", m)
				}
			})
		}
	}
}

func TestDirLeftovers(t *testing.T) {
	path := t.TempDir()
	crashedPut(t, openDir(t, path, ""), "k", "data", "", "", 1)
	temps := filepath.Join(path, tempDir)
	other := openDir(t, path, "")
	if left := filesBelow(t, temps); len(left) != 1 {
		t.Fatalf("a writer that may be alive lost its file: %v", left)
	}
	if err := other.removeLeftovers(time.Now().Add(2 * leftoverAge)); err != nil {
		t.Fatal(err)
	}
	if left := filesBelow(t, temps); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	crashedPut(t, other, "k", "data", "", "", 1)
	if err := other.removeLeftovers(time.Now().Add(2 * leftoverAge)); err != nil {
		t.Fatal(err)
	}
	if left := filesBelow(t, temps); len(left) != 1 {
		t.Errorf("a Dir removed the file of a writer of its own: %v", left)
	}
}

// Records are input like any other.
func TestDirHostileRecords(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "")
	put(t, d, "k", "v", cache.Meta{ContentType: "text/x-true", User: map[string]string{"a": "b"}})
	name := filepath.Join(path, filepath.FromSlash(d.place("k").settledRecord()))
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lie := func(change func(r map[string]any)) string {
		var r map[string]any
		if err := json.Unmarshal(good, &r); err != nil {
			t.Fatal(err)
		}
		change(r)
		data, _ := json.Marshal(r)
		return string(data)
	}
	set := func(field string, value any) string { return lie(func(r map[string]any) { r[field] = value }) }
	for what, data := range map[string]string{
		"empty": "", "cut": string(good[:len(good)/2]), "another": `[1,2]`, "binary": "\x00\xff\xfe",
		"huge": string(good) + strings.Repeat(" ", maxRecord), "twice": string(good) + string(good),
		"nested": strings.Repeat("[", 100_000), "version": set("version", 2), "key": set("key", "j"), "size": set("size", 2),
		"time": set("mtime_ns", 1), "inode": set("inode", 1), "negative": set("size", -1), "type": set("user", "x"),
		"md5": set("md5", "\"\r\nx: y"), "no md5": set("md5", ""), "name": set("user", map[string]string{"x: y\r\nz": "v"}),
	} {
		t.Run(what, func(t *testing.T) {
			if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
			d := openDir(t, path, "") // which knows nothing yet
			check(t, d, "k", "v")
			m := head(t, d, "k")
			if m.ContentType != "application/octet-stream" || len(m.User) != 0 || m.Bucket.ETag == "" || m.Size != 1 {
				t.Errorf("meta = %+v", m)
			}
		})
	}
	t.Run("folder", func(t *testing.T) {
		if err := errors.Join(os.Remove(name), os.Mkdir(name, 0o755)); err != nil {
			t.Fatal(err)
		}
		check(t, openDir(t, path, ""), "k", "v")
	})
	t.Run("good again", func(t *testing.T) {
		if err := errors.Join(os.Remove(name), os.WriteFile(name, good, 0o644)); err != nil {
			t.Fatal(err)
		}
		if m := head(t, openDir(t, path, ""), "k"); m.ContentType != "text/x-true" {
			t.Errorf("meta = %+v", m)
		}
	})
}

func TestDirRecordOverTheLimit(t *testing.T) {
	d := openDir(t, t.TempDir(), "")
	meta := cache.Meta{Size: 1, CacheControl: strings.Repeat("x", maxRecord)}
	if err := d.Put(t.Context(), "k", strings.NewReader("v"), meta, cache.PutOptions{}); err == nil {
		t.Error("an object was stored whose metadata cannot be read back")
	}
	if files := filesBelow(t, d.root.Name()); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}
