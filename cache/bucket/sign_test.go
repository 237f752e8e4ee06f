package bucket

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	sdksigner "github.com/minio/minio-go/v7/pkg/signer"
)

// sdkSignature signs the same request with the SDK. It signs at the current second, which it returns.
func sdkSignature(t *testing.T, c *credential, region string, r unsigned, key string) (auth string, at time.Time) {
	t.Helper()
	u := &url.URL{Scheme: "http", Host: r.host, Path: "/bucket/" + key, RawPath: string(r.path)}
	req := http.Request{Method: r.method, URL: u, Host: r.host, Header: http.Header{}}
	req.Header.Set("X-Amz-Content-Sha256", emptyPayload)
	if r.rangeValue != "" {
		req.Header.Set("Range", r.rangeValue)
	}
	if r.ifMatch != "" {
		req.Header.Set("If-Match", r.ifMatch)
	}
	signed := sdksigner.SignV4(req, c.access, c.secret, c.token, region)
	at, err := time.Parse(amzTime, signed.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	return signed.Header.Get("Authorization"), at
}

func differs(t *testing.T, s *signer, c *credential, r unsigned, key string) {
	t.Helper()
	r.path = appendPath([]byte("/bucket/"), key)
	want, at := sdkSignature(t, c, s.region, r, key)
	var got signature
	s.sign(&got, c, r, at)
	if string(got.authorization) != want {
		t.Errorf("key %q, %+v:\ngot  %s\nwant %s", key, r, got.authorization, want)
	}
	if string(got.date) != at.Format(amzTime) {
		t.Errorf("date = %s, want %s", got.date, at.Format(amzTime))
	}
}

func TestSignLikeSDK(t *testing.T) {
	s := &signer{region: "eu-west-1"}
	plain, session := &credential{"AKID", "secret/+", ""}, &credential{"AKID", "secret/+", "token=="}
	for _, key := range []string{"a", "a b+c", "图片/é.png", "a//b", "./a/../b", "/x", "100%", "?q=1&x#y", strings.Repeat("k", 1024)} {
		for _, c := range []*credential{plain, session} {
			for _, method := range []string{"GET", "HEAD"} {
				differs(t, s, c, unsigned{method: method, host: "127.0.0.1:9000"}, key)
				differs(t, s, c, unsigned{method: method, host: "h", rangeValue: "bytes=0-9"}, key)
				differs(t, s, c, unsigned{method: method, host: "h", ifMatch: `"e tag  x"`}, key)
				differs(t, s, c, unsigned{method: method, host: "h", rangeValue: "bytes=-5", ifMatch: `"etag"`}, key)
			}
		}
	}
}

func FuzzSignLikeSDK(f *testing.F) {
	f.Add("a//b", "us-east-1", "AKID", "secret", "token", "bytes=0-1", `"etag"`, true)
	f.Add("图片/é.png", "", "A", "", "", "", "", false)
	f.Fuzz(func(t *testing.T, key, region, access, secret, token, rangeValue, ifMatch string, head bool) {
		if formOf(key)&formBytes != 0 || !headerText(access, token, rangeValue, ifMatch, region) || access == "" || secret == "" {
			return
		}
		r := unsigned{method: "GET", host: "bucket.example.com", rangeValue: rangeValue, ifMatch: ifMatch}
		if head {
			r.method = "HEAD"
		}
		differs(t, &signer{region: region}, &credential{access, secret, token}, r, key)
	})
}

// headerText tells whether all values could stand in a header; the configuration and the server allow no others.
func headerText(values ...string) bool {
	for _, v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) || v != strings.TrimSpace(v) {
			return false
		}
	}
	return true
}

// The derived key is made anew for another day and for other credentials.
func TestSigningKeyIsCached(t *testing.T) {
	s := &signer{region: "r"}
	c := &credential{"a", "b", ""}
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	k := s.keyFor(c, noon)
	if s.keyFor(c, noon.Add(11*time.Hour)) != k {
		t.Error("made a second key on one day")
	}
	if s.keyFor(c, noon.Add(12*time.Hour)).scope != "20260505/r/s3/aws4_request" {
		t.Error("kept yesterday's key")
	}
	if s.keyFor(&credential{"a", "c", ""}, noon.Add(12*time.Hour)).credential.secret != "c" {
		t.Error("kept the key of other credentials")
	}
}

func TestSignAllocations(t *testing.T) {
	s, c, out := &signer{region: "us-east-1"}, &credential{"AKID", "secret", ""}, new(signature)
	r := unsigned{method: "GET", host: "127.0.0.1:9000", path: []byte("/bucket/images/a.jpg")}
	now := time.Now()
	s.sign(out, c, r, now)
	if n := testing.AllocsPerRun(200, func() { s.sign(out, c, r, now) }); n > 0 {
		t.Errorf("%v allocations per signature, want none", n)
	}
}

func BenchmarkSign(b *testing.B) {
	s, c, out := &signer{region: "us-east-1"}, &credential{"AKID", "secret", ""}, new(signature)
	r := unsigned{method: "GET", host: "127.0.0.1:9000", path: []byte("/bucket/images/a.jpg")}
	b.ReportAllocs()
	for b.Loop() {
		s.sign(out, c, r, time.Now())
	}
}
