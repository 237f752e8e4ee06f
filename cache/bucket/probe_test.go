package bucket

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/cache"
)

// Until the bucket has answered nothing is written and no odd key is sent; the probe repeats until it does.
func TestProbeRepeats(t *testing.T) {
	f := newFakeS3(t, false)
	down := make(chan struct{})
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		select {
		case <-down:
			return false
		default:
			fail(w, 503, "SlowDown")
			return true
		}
	}
	s := f.bucket(nil)
	run(t, s)
	eventually(t, "the probe is repeated", func() bool { return len(f.seen("PUT")) > 2 })
	if err := s.Ready(); !errors.Is(err, cache.ErrNotReady) || !strings.Contains(err.Error(), "SlowDown") {
		t.Errorf("ready = %v", err)
	}
	if err := save(t, s, "k", "v", cache.PutOptions{}); !errors.Is(err, cache.ErrNotReady) {
		t.Errorf("put: got error %v, want ErrNotReady", err)
	}
	if _, err := s.Open(t.Context(), "a//b", cache.ReadOptions{}); !errors.Is(err, cache.ErrKeyForm) {
		t.Errorf("odd key: got error %v, want ErrKeyForm", err)
	}
	close(down)
	eventually(t, "ready", func() bool { return s.Ready() == nil })
	f.put("a//b", "x")
	if obj, err := s.Open(t.Context(), "a//b", cache.ReadOptions{}); err != nil {
		t.Errorf("odd key on a bucket that keeps it: %v", err)
	} else {
		obj.Body.Close()
	}
	eventually(t, "the probe cleans up", func() bool { return len(f.keys()) == 1 })
}

// A bucket that may only be read serves reads; it is written once the permission is there.
func TestProbeReadOnly(t *testing.T) {
	f := newFakeS3(t, false)
	granted := make(chan struct{})
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		select {
		case <-granted:
			return false
		default:
		}
		if r.method != "GET" && r.method != "HEAD" {
			fail(w, 403, "AccessDenied")
			return true
		}
		return false
	}
	f.put("a", "hello")
	s := f.bucket(nil)
	run(t, s)
	eventually(t, "ready", func() bool { return s.Ready() == nil })
	if got := fetched(t, s, cache.ReadOptions{}); got != "=hello" {
		t.Errorf("got %q", got)
	}
	var failure *cache.BucketError
	if err := save(t, s, "k", "v", cache.PutOptions{}); !errors.As(err, &failure) || !failure.Lasting {
		t.Errorf("put: got error %v, want a lasting one", err)
	}
	if _, err := s.Open(t.Context(), "/x", cache.ReadOptions{}); !errors.Is(err, cache.ErrKeyForm) {
		t.Errorf("odd key: got error %v, want ErrKeyForm", err)
	}
	close(granted)
	eventually(t, "writable", func() bool { return save(t, s, "k", "v", cache.PutOptions{}) == nil })
}

// A missing bucket is not a read-only one.
func TestProbeNoBucket(t *testing.T) {
	f := newFakeS3(t, false)
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if r.method == "PUT" {
			fail(w, 403, "AccessDenied")
		} else {
			fail(w, 404, "NoSuchBucket")
		}
		return true
	}
	if _, err := f.bucket(nil).probe(t.Context()); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("probe = %v", err)
	}
}

// A server that merges or refuses odd keys is found out, each form for itself.
func TestProbeForms(t *testing.T) {
	for name, test := range map[string]struct {
		refuse string // part of a key
		status int
		want   keyForm
	}{
		"keeps all":          {"\x00", 0, probedForms},
		"refuses dots":       {"/../", 400, probedForms &^ formDots},
		"fails on empty":     {"empty//", 500, probedForms &^ formEmpty},
		"redirects a dot":    {"/./", 301, probedForms &^ formDot},
		"mangled signatures": {"//", 403, formDot | formDots | formLeading},
	} {
		f := newFakeS3(t, false)
		f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
			if test.status == 0 || r.method != "PUT" || !strings.Contains(r.key, test.refuse) {
				return false
			}
			fail(w, test.status, "SignatureDoesNotMatch")
			return true
		}
		able, err := f.bucket(nil).probe(t.Context())
		if err != nil || able.kept != test.want {
			t.Errorf("%s: kept %04b, error %v, want %04b", name, able.kept, err, test.want)
		}
	}
}

func TestFormOf(t *testing.T) {
	for key, want := range map[string]keyForm{
		"a": 0, "a/": 0, "a/b": 0, "..a": 0, "a..": 0, "...": 0, ".hidden": 0, "a/.b": 0,
		"a//b": formEmpty, "a//": formEmpty, "/": formLeading, "/a": formLeading, "//a": formLeading | formEmpty,
		".": formDot, "./a": formDot, "a/.": formDot, "a/./b": formDot, "..": formDots, "a/..": formDots, "a/../b": formDots,
		"": formBytes, "a\x00": formBytes, "\xff": formBytes,
		strings.Repeat("k", 1025): formBytes, strings.Repeat("k", 1024): 0,
	} {
		if got := formOf(key); got != want {
			t.Errorf("formOf(%.20q) = %05b, want %05b", key, got, want)
		}
	}
}
