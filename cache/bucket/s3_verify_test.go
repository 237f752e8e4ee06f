package bucket

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/cache"
)

// The probe learns what ETags are, and whether If-Match holds on DELETE.
func TestProbeResults(t *testing.T) {
	other := func(part bool) func(fakeRequest, string) string {
		return func(r fakeRequest, etag string) string {
			if strings.Contains(r.uri, "partNumber=") == part {
				return `"opaque"`
			}
			return etag
		}
	}
	for name, test := range map[string]struct {
		change                 func(f *fakeS3)
		put, part, deleteMatch bool
	}{
		"all":           {func(*fakeS3) {}, true, true, true},
		"PUT is not":    {func(f *fakeS3) { f.etag = other(false) }, false, true, false},
		"parts are not": {func(f *fakeS3) { f.etag = other(true) }, true, false, true},
		"DELETE":        {func(f *fakeS3) { f.ignoreDelete = true }, true, true, false},
		"refused": {func(f *fakeS3) {
			f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
				if r.method == "DELETE" && r.header.Get("If-Match") != "" {
					fail(w, 501, "NotImplemented")
				}
				return r.method == "DELETE" && r.header.Get("If-Match") != ""
			}
		}, true, true, false},
	} {
		f := newFakeS3(t, false)
		test.change(f)
		able, err := f.bucket(patient).probe(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if able.putMD5 != test.put || able.partMD5 != test.part || able.deleteIfMatch != test.deleteMatch {
			t.Errorf("%s: learnt %+v", name, *able)
		}
		if keys := f.keys(); len(keys) != 0 {
			t.Errorf("%s: left behind %q", name, keys)
		}
	}
}

// once makes the server break the first write whose key this is: it stores other bytes, and says so.
func (f *fakeS3) once(key string) {
	broken := false
	f.etag = func(r fakeRequest, etag string) string {
		if broken || r.key != key {
			return etag
		}
		broken = true
		if obj := f.objects[key]; obj != nil {
			obj.data = []byte("broken")
		}
		return etagOf([]byte("broken"))
	}
}

// An object that the bucket stored wrong is taken back, or written over, and the failure is one that passes.
func TestStoredWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(f *fakeS3)
		change2 func(s *S3)
		left    string
		fails   bool
	}{
		"removed":      {func(*fakeS3) {}, nil, "", true},
		"written over": {func(f *fakeS3) { f.ignoreDelete = true }, nil, "hello", false},
		"neither": {func(f *fakeS3) { f.ignoreDelete = true },
			func(s *S3) { s.able.Store(&abilities{writable: true, putMD5: true, put: conditions{createOnly: true}}) }, "broken", true},
		"not comparable": {func(*fakeS3) {},
			func(s *S3) { s.able.Store(&abilities{writable: true, put: conditions{createOnly: true}}) }, "broken", false},
	} {
		f := newFakeS3(t, false)
		test.change(f)
		s := f.ready(patient)
		if test.change2 != nil {
			test.change2(s)
		}
		f.once("k")
		err := save(t, s, "k", "hello", cache.PutOptions{})
		var failure *cache.BucketError
		if (err != nil) != test.fails || err != nil && (!errors.As(err, &failure) || failure.Lasting) {
			t.Errorf("%s: got error %v", name, err)
		}
		got := ""
		if obj := f.objects["k"]; obj != nil {
			got = string(obj.data)
		}
		if got != test.left {
			t.Errorf("%s: the bucket has %q, want %q", name, got, test.left)
		}
		if name == "removed" {
			if err := save(t, s, "k", "hello", cache.PutOptions{}); err != nil {
				t.Errorf("second try: %v", err)
			}
		}
	}
}

// Somebody's newer object is neither removed nor written over.
func TestStoredWrongThenNewer(t *testing.T) {
	for _, ignoreDelete := range []bool{false, true} {
		f := newFakeS3(t, false)
		f.ignoreDelete = ignoreDelete
		s := f.ready(patient)
		first := true
		f.etag = func(r fakeRequest, etag string) string {
			if r.key == "k" && first {
				first = false
				f.objects["k"].data = []byte("newer, by somebody else")
				return etagOf([]byte("broken"))
			}
			return etag
		}
		if err := save(t, s, "k", "hello", cache.PutOptions{}); err == nil {
			t.Error("no error")
		}
		if got := string(f.objects["k"].data); !strings.HasPrefix(got, "newer") {
			t.Errorf("DELETE ignored %v: the bucket has %q", ignoreDelete, got)
		}
	}
}

// A part that the bucket took wrong is not remembered, and sent again by the next Put.
func TestPartStoredWrong(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	f.once("big")
	c := new(checkpoint)
	var failure *cache.BucketError
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); !errors.As(err, &failure) || failure.Lasting {
		t.Fatalf("got error %v, want a passing one", err)
	}
	if err := save(t, s, "big", large, cache.PutOptions{Checkpoint: c}); err != nil {
		t.Fatal(err)
	}
	wantBig(t, f, c)
}

// ETags of objects under a KMS key are no MD5, also when the bucket encrypts so without being asked.
func TestKMSIsNotCompared(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	f.etag = func(fakeRequest, string) string { return `"` + wrongETag + `"` }
	if err := save(t, s, "asked", "hello", cache.PutOptions{Encryption: cache.EncryptionKMS}); err != nil {
		t.Error(err)
	}
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		w.Header().Set("X-Amz-Server-Side-Encryption", "aws:kms:dsse")
		return false
	}
	if err := save(t, s, "unasked", "hello", cache.PutOptions{}); err != nil {
		t.Error(err)
	}
	f.answer = nil
	if err := save(t, s, "plain", "hello", cache.PutOptions{}); err == nil {
		t.Error("a plain object with a wrong ETag was accepted")
	}
}

// Every option goes with a PUT and with the beginning of an upload in parts, over plain http too, and only once.
func TestOptionsArrive(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	o := cache.PutOptions{
		StorageClass: "STANDARD_IA", Encryption: cache.EncryptionKMS, KMSKey: "arn:aws:kms:x", ACL: "bucket-owner-full-control",
		Tags: map[string]string{"team a": "x=y/z", "b": ""},
	}
	want := map[string]string{
		"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Server-Side-Encryption": "aws:kms",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "arn:aws:kms:x", "X-Amz-Acl": "bucket-owner-full-control",
		"X-Amz-Tagging": "b=&team+a=x%3Dy%2Fz", "X-Amz-Meta-X-Amz-Acl": "public-read", "X-Amz-Meta-X-Amz-Tagging": "a=b",
	}
	user := map[string]string{"x-amz-acl": "public-read", "x-amz-tagging": "a=b"}
	for _, data := range []string{"small", large} {
		f.forget()
		meta := cache.Meta{Size: int64(len(data)), User: user}
		if err := s.Put(t.Context(), "k"+data[:1], strings.NewReader(data), meta, o); err != nil {
			t.Fatal(err)
		}
		first := f.seen("")[0]
		for name, value := range want {
			if got := first.header.Get(name); got != value {
				t.Errorf("%s %s: %s = %q, want %q", first.method, first.uri, name, got, value)
			}
		}
		for _, r := range f.seen("")[1:] {
			if r.header.Get("X-Amz-Acl") != "" || r.header.Get("X-Amz-Server-Side-Encryption") != "" {
				t.Errorf("%s %s has options", r.method, r.uri)
			}
		}
	}
	f.forget()
	if err := save(t, s, "s3", "x", cache.PutOptions{Encryption: cache.EncryptionS3}); err != nil {
		t.Error(err)
	}
	if got := f.seen("PUT")[0].header.Get("X-Amz-Server-Side-Encryption"); got != "AES256" {
		t.Errorf("sse-s3 went as %q", got)
	}
}

// What cannot be sent, and what the bucket does not do, are errors that last; nothing is stored without it.
func TestOptionsRefused(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.ready(patient)
	lasting := func(name, data string, o cache.PutOptions) {
		t.Helper()
		var failure *cache.BucketError
		if err := save(t, s, "k", data, o); !errors.As(err, &failure) || !failure.Lasting {
			t.Errorf("%s: got error %v, want a lasting one", name, err)
		}
		if len(f.keys()) != 0 || len(f.uploads) != 0 {
			t.Errorf("%s: keys %q and %d uploads are left", name, f.keys(), len(f.uploads))
		}
	}
	many := map[string]string{"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": "", "8": "", "9": "", "10": "", "11": ""}
	for name, o := range map[string]cache.PutOptions{
		"encryption": {Encryption: "aws:kms"}, "key alone": {KMSKey: "k"}, "key of s3": {Encryption: cache.EncryptionS3, KMSKey: "k"},
		"key with a line": {Encryption: cache.EncryptionKMS, KMSKey: "k\nx"}, "acl": {ACL: "a\r\nb"},
		"tag": {Tags: map[string]string{"é": ""}}, "tags": {Tags: many},
	} {
		lasting(name, "x", o)
	}
	if n := len(f.seen("")); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
	f.plain = true
	lasting("a server without encryption", "x", cache.PutOptions{Encryption: cache.EncryptionS3})
	lasting("a server without encryption", large, cache.PutOptions{Encryption: cache.EncryptionKMS})
}

// The list of open uploads has those under the prefix that are old enough, over all pages.
func TestOpenUploads(t *testing.T) {
	f := newFakeS3(t, false)
	f.page = 2
	s := f.ready(patient)
	f.uploads = map[string]map[int][]byte{"3": {}, "1": {}, "2": {}, "4": {}, "5": {}, "6": {}}
	f.names = map[string]string{"1": "site-a/a", "2": "site-a/b", "3": "site-a/a", "4": "site-b/a", "5": "site-a/", "6": "site-a/z"}
	s.prefix = "site-a/"
	limit := fakeBegun(6)
	open, err := s.OpenUploads(t.Context(), limit)
	var got []string
	for _, u := range open {
		got = append(got, u.Key+" "+u.ID)
	}
	if err != nil || strings.Join(got, ", ") != "a 1, b 2, a 3" {
		t.Errorf("got %q, error %v", got, err)
	}
	f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { fail(w, 403, "AccessDenied"); return true }
	if _, err := s.OpenUploads(t.Context(), limit); err == nil {
		t.Error("a refused list is no error")
	}
}
