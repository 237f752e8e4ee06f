package bucket

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

func save(t *testing.T, s *S3, key, data string, o cache.PutOptions) error {
	t.Helper()
	return s.Put(t.Context(), key, strings.NewReader(data), cache.Meta{Size: int64(len(data))}, o)
}

// large is an object in three parts.
var large = strings.Repeat("0123456789abcdef", 11<<20/16)

// What a server does with conditions decides how objects are written, and whether at all.
func TestConditionsOfServers(t *testing.T) {
	lasting := errors.New("lasting")
	for _, test := range []struct {
		name                      string
		ignorePut, ignoreComplete bool
		wantLargePosts, wantHeads int // requests for a large create
		replaceSmall, replaceBig  error
	}{
		{"both hold", false, false, 2, 0, nil, nil},
		{"not at the end of parts", false, true, 0, 0, nil, nil},
		{"not on PUT", true, false, 2, 0, lasting, nil},
		{"neither", true, true, 2, 2, lasting, lasting},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFakeS3(t, false)
			f.ignorePut, f.ignoreComplete = test.ignorePut, test.ignoreComplete
			s := f.ready(patient)
			if err := save(t, s, "big", large, cache.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if posts, heads := len(f.seen("POST")), len(f.seen("HEAD")); posts != test.wantLargePosts || heads != test.wantHeads {
				t.Errorf("large create: %d POST, %d HEAD, want %d and %d", posts, heads, test.wantLargePosts, test.wantHeads)
			}
			f.put("small", "old")
			for key, data := range map[string]string{"small": "new", "big": large[:10<<20]} {
				if err := save(t, s, key, data, cache.PutOptions{}); !errors.Is(err, cache.ErrPrecondition) {
					t.Errorf("second create of %s: got error %v, want ErrPrecondition", key, err)
				}
			}
			replaces(t, s, "small", "new", etagOf([]byte("old")), test.replaceSmall)
			replaces(t, s, "big", large[:10<<20], etagOf([]byte(large)), test.replaceBig)
			if len(f.uploads) != 0 {
				t.Errorf("%d uploads left behind", len(f.uploads))
			}
		})
	}
}

// replaces tries a replacement, with a wrong ETag first. want is nil, or anything for a lasting error.
func replaces(t *testing.T, s *S3, key, data, etag string, want error) {
	t.Helper()
	wrong := save(t, s, key, data, cache.PutOptions{IfMatch: `"` + wrongETag + `"`})
	right := save(t, s, key, data, cache.PutOptions{IfMatch: etag})
	var failure *cache.BucketError
	switch {
	case want == nil:
		if !errors.Is(wrong, cache.ErrPrecondition) || right != nil {
			t.Errorf("replacing %s: %v with the wrong ETag, %v with the right one", key, wrong, right)
		}
	case !errors.As(wrong, &failure) || !failure.Lasting || !errors.As(right, &failure) || !failure.Lasting:
		t.Errorf("replacing %s: got errors %v and %v, want lasting ones", key, wrong, right)
	}
}

// A replacement of what is gone does not bring it back.
func TestReplaceGone(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(nil)
	if err := save(t, s, "gone", "new", cache.PutOptions{IfMatch: `"` + wrongETag + `"`}); !errors.Is(err, cache.ErrPrecondition) {
		t.Errorf("got error %v, want ErrPrecondition", err)
	}
	if len(f.keys()) != 0 {
		t.Errorf("keys = %q", f.keys())
	}
}

// A conflict is looked up: somebody's object is there, or it is worth another try.
func TestConditionalRequestConflict(t *testing.T) {
	for _, test := range []struct {
		name, stored, ifMatch string
		want                  error // nil: a passing BucketError
	}{
		{"created by somebody", "theirs", "", cache.ErrPrecondition},
		{"nothing there", "", "", nil},
		{"replaced by somebody", "theirs", etagOf([]byte("ours")), cache.ErrPrecondition},
		{"not replaced", "ours", etagOf([]byte("ours")), nil},
		{"deleted", "", etagOf([]byte("ours")), cache.ErrPrecondition},
	} {
		f := newFakeS3(t, false)
		s := f.ready(nil)
		if test.stored != "" {
			f.put("k", test.stored)
		}
		f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
			if r.method == "PUT" {
				fail(w, 409, "ConditionalRequestConflict")
			}
			return r.method == "PUT"
		}
		err := save(t, s, "k", "new", cache.PutOptions{IfMatch: test.ifMatch})
		var failure *cache.BucketError
		if test.want != nil && !errors.Is(err, test.want) || test.want == nil && (!errors.As(err, &failure) || failure.Lasting) {
			t.Errorf("%s: got error %v, want %v", test.name, err, test.want)
		}
	}
}

func TestLastingRefusals(t *testing.T) {
	for _, test := range []struct {
		status  int
		code    string
		lasting bool
	}{
		{400, "InvalidRequest", true}, {400, "InvalidStorageClass", true}, {400, "KMS.DisabledException", true},
		{400, "XMinioAdminBucketQuotaExceeded", true}, {400, "RequestTimeout", false}, {400, "ExpiredToken", false},
		{403, "AccessDenied", true}, {403, "QuotaExceeded", true}, {403, "RequestTimeTooSkewed", false},
		{404, "NoSuchBucket", true}, {404, "NoSuchUpload", false}, {409, "ObjectParentIsFile", true},
		{409, "OperationAborted", false}, {429, "TooManyRequests", false}, {500, "InternalError", false},
		{400, "AccessControlListNotSupported", true}, {400, "KMS.NotFoundException", true}, {404, "kms:KeyNotFound", true},
		{400, "KMS.ThrottlingException", false}, {400, "InvalidTag", true}, {400, "BadDigest", false},
		{400, "InvalidEncryptionAlgorithmError", true}, {501, "NotImplemented", true}, {503, "SlowDown", false}, {507, "XMinioStorageFull", true},
	} {
		f := newFakeS3(t, false)
		s := f.ready(nil)
		f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { fail(w, test.status, test.code); return true }
		err := save(t, s, "k", "new", cache.PutOptions{})
		var failure *cache.BucketError
		if !errors.As(err, &failure) || failure.Lasting != test.lasting || failure.Code != test.code {
			t.Errorf("%d %s: got error %#v, want lasting %v", test.status, test.code, err, test.lasting)
		}
		if n := len(f.seen("PUT")); n != 1 {
			t.Errorf("%s: %d PUT, want one: the queue retries, not the client", test.code, n)
		}
	}
}

// An upload in parts that fails is given up, also when its error comes with status 200.
func TestPartsAreGivenUp(t *testing.T) {
	for name, stop := range map[string]func(w http.ResponseWriter, r fakeRequest) bool{
		"part": func(w http.ResponseWriter, r fakeRequest) bool {
			if r.method == "PUT" && strings.Contains(r.uri, "partNumber=2") {
				fail(w, 500, "InternalError")
				return true
			}
			return false
		},
		"end": func(w http.ResponseWriter, r fakeRequest) bool {
			if r.method == "POST" && strings.Contains(r.uri, "uploadId") {
				fail(w, 200, "InternalError")
				return true
			}
			return false
		},
	} {
		f := newFakeS3(t, false)
		s := f.ready(nil)
		f.answer = stop
		var failure *cache.BucketError
		if err := save(t, s, "big", large, cache.PutOptions{}); !errors.As(err, &failure) || failure.Lasting {
			t.Errorf("%s: got error %v, want a passing BucketError", name, err)
		}
		if len(f.uploads) != 0 || len(f.keys()) != 0 {
			t.Errorf("%s: %d uploads and keys %q are left", name, len(f.uploads), f.keys())
		}
	}
}

// What goes over the wire with a write: the condition, the MD5, the metadata; no coding, no foreign header.
func TestHeadersOfWrites(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(nil)
	meta := cache.Meta{
		Size: 5, ContentType: "image/png", Expires: "0", CacheControl: "no-cache", ContentEncoding: "br",
		User: map[string]string{"x-amz-acl": "public-read", "content-type": "text/evil", "colour": "red"},
	}
	err := s.Put(t.Context(), "a b", strings.NewReader("hello"), meta, cache.PutOptions{StorageClass: "STANDARD_IA"})
	if err != nil {
		t.Fatal(err)
	}
	r := f.seen("PUT")[0]
	for name, want := range map[string]string{
		"If-None-Match": "*", "Content-Md5": "XUFAKrxLKna5cZ2REBfFkg==", "Content-Type": "image/png", "Expires": "0",
		"Cache-Control": "no-cache", "Content-Encoding": "br", "X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Acl": "",
		"X-Amz-Meta-X-Amz-Acl": "public-read", "X-Amz-Meta-Content-Type": "text/evil", "X-Amz-Meta-Colour": "red",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if !bytes.Equal(r.body, []byte("hello")) {
		t.Errorf("body = %q", r.body)
	}
}

// The MD5 that the provenance carries saves reading the body twice.
func TestKnownMD5(t *testing.T) {
	w := &upload{body: strings.NewReader("other")}
	w.meta = cache.Meta{Size: 5, Origin: cache.Provenance{Time: time.Now(), Size: 5, MD5: "5d41402abc4b2a76b9719d911017c592"}}
	if sum, err := w.knownMD5(t.Context()); err != nil || sum != "XUFAKrxLKna5cZ2REBfFkg==" {
		t.Errorf("sum = %s, %v", sum, err)
	}
}

func TestPartSizeFor(t *testing.T) {
	for _, test := range []struct{ size, want int64 }{
		{1, 16 << 20}, {16 << 20 * maxParts, 16 << 20}, {16<<20*maxParts + 1, 17 << 20}, {5 << 40, 525 << 20},
	} {
		got := partSizeFor(test.size, 16<<20)
		if got != test.want || (test.size+got-1)/got > maxParts {
			t.Errorf("partSizeFor(%d) = %d, want %d", test.size, got, test.want)
		}
	}
}

// A server that stops taking a body is an error within the limits.
func TestStalledWrite(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(func(c *S3Config) { c.Timeouts.FirstByte = 50 * time.Millisecond })
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool { raw(w, "", waitClosed); return true }
	err := save(t, s, "k", "new", cache.PutOptions{})
	var failure *cache.BucketError
	if !errors.As(err, &failure) || failure.Lasting || !strings.Contains(err.Error(), "nothing moved") {
		t.Errorf("got error %v, want a stall", err)
	}
}

// A prefix goes before every key; odd forms are judged with it, and it counts towards the longest key.
func TestPrefix(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(nil)
	s.prefix = "site-a/"
	if err := save(t, s, "a.txt", "hello", cache.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := f.keys(); len(got) != 1 || got[0] != "site-a/a.txt" {
		t.Errorf("keys = %q", got)
	}
	f.put("b.txt", "not of this site")
	if got := fetched(t, s, cache.ReadOptions{}); got != "not found" {
		t.Errorf("got %q", got)
	}
	s.able.Store(&abilities{writable: true, kept: formLeading})
	for _, key := range []string{"/x", strings.Repeat("k", cache.MaxKey-len("site-a/")+1)} {
		if _, err := s.Open(t.Context(), key, cache.ReadOptions{}); !errors.Is(err, cache.ErrKeyForm) {
			t.Errorf("%.20q: got error %v, want ErrKeyForm", key, err)
		}
	}
}
