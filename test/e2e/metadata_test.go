package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// seven are the headers of the specification's section "Metadata of back-to-origin files".
func seven() []string {
	return []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Cache-Control", "Expires",
		"Content-Language", "Access-Control-Allow-Origin"}
}

// What the origin says of its files: plain, and with a name that is not ASCII, which no S3 header holds.
func metadata(disposition string) map[string]string {
	return map[string]string{
		"Content-Type":                `application/x-thing; charset="utf-8"`,
		"Content-Encoding":            "gzip",
		"Content-Disposition":         disposition,
		"Cache-Control":               "public, max-age=86400, s-maxage=600",
		"Expires":                     "Wed, 21 Oct 2037 07:28:00 GMT",
		"Content-Language":            "de, fr-CA",
		"Access-Control-Allow-Origin": "https://app.example.com",
	}
}

const (
	plainDisposition = `attachment; filename="report.bin"`
	otherDisposition = `inline; filename="图片 é.png"; filename*=UTF-8''%E5%9B%BE%E7%89%87.png`
)

// startDescribed runs an nginx that describes plain.bin and other.bin in full.
func startDescribed(t *testing.T) *harness.Nginx {
	t.Helper()
	var conf strings.Builder
	for path, disposition := range map[string]string{"/plain.bin": plainDisposition, "/other.bin": otherDisposition} {
		conf.WriteString("location = " + path + " {\n")
		for name, value := range metadata(disposition) {
			if name == "Content-Type" {
				conf.WriteString("types {} default_type '" + value + "';\n")
				continue
			}
			conf.WriteString("add_header " + name + " \"" + strings.ReplaceAll(value, `"`, `\"`) + "\";\n")
		}
		conf.WriteString("}\n")
	}
	return harness.StartNginx(t, harness.NginxConfig{Server: conf.String()})
}

// All seven headers come from the origin, and again from the bucket after the gateway was started anew; the aws command
// line sees them on the object. ETag and Last-Modified are the origin's all the time.
func TestMetadataSurvives(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s *store) {
		nginx := startDescribed(t)
		body := []byte("these bytes claim to be gzip")
		nginx.Put(t, "plain.bin", body)
		nginx.Put(t, "other.bin", body)
		g := serve(t, s, mirrorAll(nginx.URL))

		before := make(map[string]http.Header)
		for path, disposition := range map[string]string{"/plain.bin": plainDisposition, "/other.bin": otherDisposition} {
			a := g.wantObject(t, path, body)
			wantHeaders(t, path+", pulled", a.Header, metadata(disposition))
			wantValidators(t, path, nginx.URL, a.Header)
			before[path] = a.Header
			s.wait(t, strings.TrimPrefix(path, "/"), body)
		}
		nginx.Kill()
		g.Restart(t)
		for path, disposition := range map[string]string{"/plain.bin": plainDisposition, "/other.bin": otherDisposition} {
			hit := g.wantObject(t, path, body)
			equal(t, "Cache-Status after the restart", hit.Header.Get("Cache-Status"), hitBucket)
			wantHeaders(t, path+", from the bucket", hit.Header, metadata(disposition))
			wantSame(t, path, hit.Header, before[path])
			wantSame(t, "HEAD of "+path, g.Do(t, http.MethodHead, path).Header, before[path])
			a := g.Get(t, path, "If-None-Match", before[path].Get("ETag"))
			equal(t, "status of a revalidation", a.Status, http.StatusNotModified)
			a = g.Get(t, path, "If-Range", before[path].Get("ETag"), "Range", "bytes=6-10")
			if a.Status != http.StatusPartialContent || string(a.Body) != string(body[6:11]) {
				t.Errorf("a resumed download: %d, %s", a.Status, brief(a.Body))
			}
		}
		if s.server != nil {
			wantHeadObject(t, s)
		}
	})
}

func wantHeaders(t *testing.T, what string, got http.Header, want map[string]string) {
	t.Helper()
	for _, name := range seven() {
		if v := got.Values(name); len(v) != 1 || v[0] != want[name] {
			t.Errorf("%s: %s is %q, want %q", what, name, v, want[name])
		}
	}
}

// wantValidators fails the test unless the client has seen the origin's own ETag and Last-Modified.
func wantValidators(t *testing.T, path, origin string, got http.Header) {
	t.Helper()
	response, err := http.Head(origin + path)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for _, name := range []string{"ETag", "Last-Modified"} {
		if want := response.Header.Get(name); want == "" || got.Get(name) != want {
			t.Errorf("%s: %s is %q, the origin's is %q", path, name, got.Get(name), want)
		}
	}
}

// wantSame fails the test unless two answers for one object have the same headers, but for those of the answer itself.
func wantSame(t *testing.T, what string, got, want http.Header) {
	t.Helper()
	ofAnswer := map[string]bool{"Date": true, "X-Request-Id": true, "Cache-Status": true, "Connection": true}
	for _, pair := range []struct{ a, b http.Header }{{got, want}, {want, got}} {
		for name := range pair.a {
			if !ofAnswer[name] && strings.Join(pair.a[name], "\n") != strings.Join(pair.b[name], "\n") {
				t.Errorf("%s: %s is %q, before it was saved %q", what, name, got[name], want[name])
			}
		}
	}
}

// headObject is what `aws s3api head-object` prints.
type headObject struct {
	ContentType, ContentEncoding, ContentDisposition, CacheControl, ContentLanguage string

	Expires  string
	Metadata map[string]string
}

func wantHeadObject(t *testing.T, s *store) {
	t.Helper()
	head := func(key string) (h headObject) {
		out := s.server.AWS(t, "s3api", "head-object", "--bucket", bucketName, "--key", key)
		if err := json.Unmarshal(out, &h); err != nil {
			t.Fatalf("aws s3api head-object printed %s: %v", out, err)
		}
		return h
	}
	for _, key := range []string{"plain.bin", "other.bin"} {
		want, h := metadata(plainDisposition), head(key)
		equal(t, key+" ContentType", h.ContentType, want["Content-Type"])
		equal(t, key+" ContentEncoding", h.ContentEncoding, want["Content-Encoding"])
		equal(t, key+" CacheControl", h.CacheControl, want["Cache-Control"])
		equal(t, key+" ContentLanguage", h.ContentLanguage, want["Content-Language"])
		expires, err := time.Parse(time.RFC3339, h.Expires)
		if err != nil {
			expires, err = http.ParseTime(h.Expires) // the command's versions differ
		}
		if at, _ := http.ParseTime(want["Expires"]); err != nil || !expires.Equal(at) {
			t.Errorf("%s Expires is %q", key, h.Expires)
		}
		// S3 has no such header on objects: it is kept as user metadata, encoded.
		if h.Metadata["mg-allow-origin"] == "" {
			t.Errorf("%s has nowhere kept Access-Control-Allow-Origin: %v", key, h.Metadata)
		}
	}
	equal(t, "ContentDisposition", head("plain.bin").ContentDisposition, plainDisposition)
	if h := head("other.bin"); h.ContentDisposition == "" && h.Metadata["mg-h-content-disposition"] == "" {
		t.Errorf("a Content-Disposition that is not ASCII is nowhere: %+v", h)
	}
}
