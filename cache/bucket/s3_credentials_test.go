package bucket

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
)

// unset removes what the machine's own environment might say.
func unset(t *testing.T) {
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
		"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	} {
		t.Setenv(name, "")
	}
}

func noKeys(c *S3Config) { c.AccessKey, c.SecretKey = "", "" }

// signedBy asks once and gives the access key and the token that the request came with.
func signedBy(t *testing.T, f *fakeS3, s *S3) (access, token string) {
	t.Helper()
	fetched(t, s, cache.ReadOptions{})
	seen := f.seen("GET")
	if len(seen) == 0 {
		return "", ""
	}
	header := seen[len(seen)-1].header
	_, rest, _ := strings.Cut(header.Get("Authorization"), "Credential=")
	access, _, _ = strings.Cut(rest, "/")
	return access, header.Get("X-Amz-Security-Token")
}

func TestCredentialsFromEnvironment(t *testing.T) {
	unset(t)
	f := newFakeS3(t, false)
	if access, _ := signedBy(t, f, f.bucket(nil)); access != "AKID" {
		t.Errorf("configured: signed by %q", access)
	}
	t.Setenv("MINIO_ROOT_USER", "minio")
	t.Setenv("MINIO_ROOT_PASSWORD", "x")
	if access, _ := signedBy(t, f, f.bucket(noKeys)); access != "minio" {
		t.Errorf("MINIO_*: signed by %q", access)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "aws")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	t.Setenv("AWS_SESSION_TOKEN", "session")
	if access, token := signedBy(t, f, f.bucket(noKeys)); access != "aws" || token != "session" {
		t.Errorf("AWS_*: signed by %q, token %q", access, token)
	}
	anonymous := func(c *S3Config) { noKeys(c); c.Anonymous = true }
	if access, _ := signedBy(t, f, f.bucket(anonymous)); access != "" {
		t.Errorf("anonymous: signed by %q", access)
	}
}

// imds is an instance metadata service; each answer has its number in the key.
func imds(t *testing.T, lifetime func(n int64) time.Duration) *atomic.Int64 {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "PUT":
			fmt.Fprint(w, "imds-token")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds-token":
			w.WriteHeader(401)
		case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
			fmt.Fprint(w, "role")
		default:
			i := n.Add(1)
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"role-%d","SecretAccessKey":"s","Token":"t-%d","Expiration":%q}`,
				i, i, time.Now().Add(lifetime(i)).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	return &n
}

// The instance's role is renewed before its keys end, and when the server says that they have.
func TestCredentialsOfInstance(t *testing.T) {
	unset(t)
	n := imds(t, func(i int64) time.Duration {
		if i == 1 {
			return time.Second
		}
		return time.Hour
	})
	f := newFakeS3(t, false)
	s := f.bucket(noKeys)
	s.credentials.every = time.Millisecond
	if access, token := signedBy(t, f, s); access != "role-1" || token != "t-1" {
		t.Fatalf("signed by %q, token %q", access, token)
	}
	run(t, s)
	renewed := ""
	eventually(t, "renewed in time", func() bool { renewed, _ = signedBy(t, f, s); return renewed != "role-1" })
	f.mu.Lock()
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if !strings.Contains(r.header.Get("Authorization"), renewed+"/") {
			return false
		}
		fail(w, 400, "ExpiredToken")
		return true
	}
	f.mu.Unlock()
	eventually(t, "renewed when refused", func() bool { a, _ := signedBy(t, f, s); return a != renewed })
	if n.Load() > 10 {
		t.Errorf("asked for keys %d times", n.Load())
	}
}

// Without any keys there is an error that says where they may come from, and no unsigned request.
func TestNoCredentials(t *testing.T) {
	unset(t)
	f := newFakeS3(t, false)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
	s := f.bucket(noKeys)
	if got := fetched(t, s, cache.ReadOptions{}); !strings.Contains(got, "AWS_ACCESS_KEY_ID") {
		t.Errorf("got %q", got)
	}
	if _, err := s.probe(t.Context()); err == nil {
		t.Error("the probe went well")
	}
	if n := len(f.seen("")); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
