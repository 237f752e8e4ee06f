package bucket

import (
	"path/filepath"
	"strings"
	"testing"

	"mirrorgate/cache"
)

func TestDirKeys(t *testing.T) {
	plain := []string{"a", "images/a.jpg", "a b", "图片/é.png", "\xff", "..a", "a..", "...", "d/.mirrorgate",
		".mirrorgatex", "a\\b", "a\nb", strings.Repeat("x", 255)}
	odd := []string{"/a", "a/", "a//b", "/", ".", "..", "./a", "a/.", "a/..", "a/../b", ".mirrorgate", ".mirrorgate/x",
		".MirrorGate/x", ".MIRRORGATE", strings.Repeat("x", 256), "a/" + strings.Repeat("x", 256) + "/b"}
	for _, key := range plain {
		if p := placeOf(key, false); p.plain != key || !p.create {
			t.Errorf("%.40q is at %+v", key, p)
		}
	}
	for _, key := range odd {
		if p := placeOf(key, false); p.plain != "" || p.create {
			t.Errorf("%.40q is at %+v", key, p)
		}
	}
}

func TestDirKeysOnFoldingDisk(t *testing.T) {
	for key, create := range map[string]bool{
		"images/a.jpg": true, "0-9_a/b.c/d": true, "A": false, "images/A.jpg": false, "é": false, "e\u0301": false,
		"\u212a": false, "ſ": false, "a\u200c": false, "a.": false, "a./b": false, "a ": false, "progra~1": false,
		"a:b": false, ".mirrorgate/x": false,
	} {
		if p := placeOf(key, true); p.create != create {
			t.Errorf("%q: create = %v", key, p.create)
		}
	}
}

func TestDirContentType(t *testing.T) {
	for key, want := range map[string]string{
		"a.jpg": "image/jpeg", "a/b.JPG": "image/jpeg", "a.tar.gz": "application/gzip",
		"a.jpg/b": "application/octet-stream", "a": "application/octet-stream",
		".css": "text/css", "a.": "application/octet-stream",
	} {
		if got := contentType(key); got != want {
			t.Errorf("%q: %s, want %s", key, got, want)
		}
	}
}

// FuzzDirKey shows that two keys never share a path, folded or not, and that no path leads outside.
func FuzzDirKey(f *testing.F) {
	for _, pair := range [][2]string{
		{"a", "a/"}, {"a//b", "a/b"}, {"../a", "a"}, {"/a", "a"}, {"A", "a"}, {"a/./b", "a/b"}, {".mirrorgate/aside/x", "x"},
		{"a\xff", "a\ufffd"}, {"%2F", "/"}, {strings.Repeat("x", 256), strings.Repeat("x", 255)},
		{".Mirrorgate", ".mirrorgate"}, {"\u212a", "k"}, {"a.", "a"}, {"con", "CON"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !legalKey(a) || !legalKey(b) || len(a) > cache.MaxKey {
			return
		}
		for _, folds := range []bool{false, true} {
			p, q := placeOf(a, folds), placeOf(b, folds)
			inside(t, p)
			if a != b && share(p, q, folds) {
				t.Errorf("%q and %q share a place: %+v, %+v", a, b, p, q)
			}
		}
		if a != b && recordKey(a) == recordKey(b) {
			t.Errorf("%q and %q have one name in records", a, b)
		}
	})
}

// inside fails the test unless every path of p is a path below the directory, and only those of ours in internalDir.
func inside(t *testing.T, p place) {
	for _, path := range []string{p.aside(), p.settledRecord(), p.pendingRecord(identity{1, -1, 1})} {
		if !filepath.IsLocal(path) || filepath.Clean(path) != path || !strings.HasPrefix(path, internalDir+"/") {
			t.Errorf("%q: internal path %q", p.key, path)
		}
	}
	if p.create && p.plain == "" {
		t.Errorf("%q: created at no path", p.key)
	}
	if p.plain == "" {
		return
	}
	first, _, _ := strings.Cut(p.plain, "/")
	ours := strings.EqualFold(first, internalDir)
	if p.plain != p.key || !filepath.IsLocal(p.plain) || filepath.Clean(p.plain) != p.plain || ours {
		t.Errorf("%q: plain path %q", p.key, p.plain)
	}
}

func share(p, q place, folds bool) bool {
	if p.aside() == q.aside() || p.record() == q.record() || p.plain != "" && p.plain == q.plain {
		return true
	}
	return folds && p.create && q.create && strings.EqualFold(p.plain, q.plain)
}
