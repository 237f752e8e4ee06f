package e2e_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

// Keys of 1,024 bytes, the most that S3 has: in segments that a file name may have, and in one that it may not.
func longKey() string { return strings.Repeat("0123456789abcde/", 63) + "0123456789abcdef" }

func longName() string { return strings.Repeat("n", 1024) }

// dotted is a key that no origin is asked for: the old server might walk.
const dotted = "a/../b"

// kept are the keys that each store keeps apart from all others. The directory bucket keeps every one.
func kept(kind string) []string {
	keys := []string{"a+b c", "图片/é.png", "a", longKey(), "b", "x"}
	switch kind {
	case "dir":
		return append(keys, "a/b", "a//b", "/x", longName())
	case "minio":
		return append(keys, "a/b")
	}
	return keys
}

// refused are the keys that a server cleans or does not take. The answer is 400: without a pull, without reading the
// object that the server has under the clean name.
func refused(kind string) []string {
	if kind == "dir" {
		return nil
	}
	return []string{"a//b", "/x", dotted, longName()}
}

// echo answers every path with what was asked, as it came.
func echo(w http.ResponseWriter, r *http.Request) { fixed(echoed(r.RequestURI))(w, r) }

func echoed(target string) []byte { return []byte("the origin's " + target) }

// path is the request target of a key: every byte that is not plain is encoded.
func path(key string) string {
	return "/" + strings.ReplaceAll(strings.ReplaceAll(url.PathEscape(key), "%2F", "/"), "+", "%2B")
}

// Every key that a store keeps apart from others is pulled, saved and read again on its own.
func TestKeysAreKeptApart(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s *store) {
		old := startOrigin(t, echo)
		g := serve(t, s, mirrorAll(old.url))
		all := kept(s.kind)
		for _, key := range all {
			a := g.wantObject(t, path(key), asked(key))
			equal(t, "Cache-Status of "+key, a.Header.Get("Cache-Status"), pulled("primary", "all"))
		}
		for _, key := range all {
			s.wait(t, key, asked(key))
		}
		g.Restart(t)
		count := len(old.requests())
		for _, key := range all {
			a := g.wantObject(t, path(key), asked(key))
			equal(t, "Cache-Status of "+key, a.Header.Get("Cache-Status"), hitBucket)
		}
		equal(t, "requests to the origin after the restart", len(old.requests())-count, 0)
		if s.server != nil {
			for _, key := range s.server.Keys(t, bucketName, "") { // MinIO does not list a/b beside a, though it has both
				if !slices.Contains(all, key) {
					t.Errorf("%q is in the bucket, and nobody asked for it", key)
				}
			}
		}
		wantMaximum(t, g, old)
	})
}

// asked is the body of a key: the origin is asked for it in its own encoding, which keeps "+".
func asked(key string) []byte {
	return echoed(strings.ReplaceAll(path(key), "%2B", "+"))
}

// wantMaximum shows that 1,025 bytes are too many.
func wantMaximum(t *testing.T, g *rig, old *origin) {
	t.Helper()
	count := len(old.requests())
	g.wantError(t, path(longKey()+"x"), http.StatusBadRequest, "KeyTooLongError")
	equal(t, "pulls of a key of 1,025 bytes", len(old.requests())-count, 0)
}

// A key that a server does not keep apart is answered with 400. The object beside it, which the server would take it
// for, is neither read nor changed.
func TestKeysNotKeptApart(t *testing.T) {
	onEveryServer(t, func(t *testing.T, s *store) {
		old := startOrigin(t, echo)
		near := map[string][]byte{"a/b": []byte("of a/b"), "b": []byte("of b"), "x": []byte("of x")}
		for key, body := range near {
			s.put(t, key, body, nil)
		}
		g := serve(t, s, mirrorAll(old.url))
		for _, key := range refused(s.kind) {
			g.wantError(t, path(key), http.StatusBadRequest, "InvalidURI")
		}
		old.wantUnasked(t)
		g.stopSaved(t)
		for key, body := range near {
			s.want(t, key, body)
		}
		equal(t, "the keys in the bucket", strings.Join(s.server.Keys(t, bucketName, ""), " "), "a/b b x")
		for _, key := range refused(s.kind) {
			wantMerged(t, s, key)
		}
	})
}

// wantMerged shows that it is the server who does not keep the key apart: it refuses it, or has it under another name.
func wantMerged(t *testing.T, s *store, key string) {
	t.Helper()
	body := strings.NewReader("by an application")
	_, err := s.server.Client().PutObject(t.Context(), bucketName, key, body, body.Size(), minio.PutObjectOptions{})
	if err == nil && slices.Contains(s.server.Keys(t, bucketName, ""), key) {
		t.Errorf("%s keeps %.80q apart: the gateway should, too", s.kind, key)
	}
	t.Logf("%s puts %.80q: %v", s.kind, key, err)
}

// What somebody has put under a key with dots is read by that key and by no other; what is not there is not pulled.
func TestDottedKey(t *testing.T) {
	s := newDir(t)
	old := startOrigin(t, echo)
	s.put(t, dotted, []byte("of a/../b"), nil)
	s.put(t, "b", []byte("of b"), nil)
	g := serve(t, s, mirrorAll(old.url))
	g.wantObject(t, "/a/../b", []byte("of a/../b"))
	g.wantObject(t, "/a/%2E%2E/b", []byte("of a/../b"))
	g.wantObject(t, "/b", []byte("of b"))
	absent := []string{"/c/../b", "/a/../../b", "/../b", "/..", "/a/..", "/./b", "/a/%2e%2e/c", "/a%2F..%2Fc"}
	for _, target := range absent {
		g.wantError(t, target, http.StatusNotFound, "NoSuchKey")
	}
	old.wantUnasked(t)
	g.stopSaved(t)
	s.want(t, dotted, []byte("of a/../b"))
	s.want(t, "b", []byte("of b"))
}

// An object beside a folder of its name: in either order both are answered with their own bytes, and what is in the
// bucket stays as it is. A server that cannot hold both keeps the first, and the other stays in the spool.
func TestFileBesideFolder(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s *store) {
		old := startOrigin(t, echo)
		for _, order := range [][]string{{"p", "p/q"}, {"r/s", "r"}} {
			s.put(t, order[0], []byte("of "+order[0]), nil)
		}
		g := serve(t, s, mirrorAll(old.url))
		for _, order := range [][]string{{"p", "p/q"}, {"r/s", "r"}} {
			first, second := order[0], order[1]
			g.wantObject(t, path(second), asked(second))
			from := hitSpool
			if slices.Contains(kept(s.kind), "a/b") {
				s.wait(t, second, asked(second))
				from = hitBucket
			}
			equal(t, "Cache-Status", g.wantObject(t, path(second), asked(second)).Header.Get("Cache-Status"), from)
			g.wantObject(t, path(first), []byte("of "+first))
			s.want(t, first, []byte("of "+first))
		}
		equal(t, "what was asked of the origin", strings.Join(old.requests(), ", "), "GET /p/q, GET /r")
	})
}
