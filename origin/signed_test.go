package origin

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// arrival is a request that came to a bucket.
type arrival struct {
	uri, authorization, expected, token string
	sameSecond                          bool // expected was made in the second of the signature
}

// startBucket is an S3 server that answers every request alike. It signs what it got anew, as the SDK does.
func startBucket(t *testing.T, status int, body string) (*httptest.Server, chan arrival) {
	came := make(chan arrival, 100)
	return startHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		came <- arrivalOf(r)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}), came
}

func arrivalOf(r *http.Request) arrival {
	a := arrival{uri: r.RequestURI, authorization: r.Header.Get("Authorization"), token: r.Header.Get("X-Amz-Security-Token")}
	_, names, _ := strings.Cut(a.authorization, "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	covered := http.Header{}
	for name := range strings.SplitSeq(names, ";") {
		if name != "host" && name != "x-amz-date" && name != "x-amz-security-token" && name != "" {
			covered[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	u := *r.URL
	again := signer.SignV4(http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: covered}, "ak", "sk", a.token, "eu-west-7")
	a.expected = again.Header.Get("Authorization")
	a.sameSecond = again.Header.Get("X-Amz-Date") == r.Header.Get("X-Amz-Date")
	return a
}

func bucketAt(url string) *S3 {
	s := &S3{}
	s.SetDefaults()
	s.Endpoint, s.Name, s.Region, s.AccessKey, s.SecretKey = url, "bucketb", "eu-west-7", "ak", "sk"
	return s
}

func openBucket(t *testing.T, s *S3, change func(*Config)) *Origin {
	t.Helper()
	return open(t, "", func(c *Config) {
		c.Primary = Target{S3: s}
		if change != nil {
			change(c)
		}
	})
}

// signedAs fetches until the bucket could check the signature within the second in which it was made.
func signedAs(t *testing.T, o *Origin, r Request, came chan arrival) arrival {
	t.Helper()
	for range 5 {
		response := fetched(t, o, r)
		response.Body.Close()
		if !response.Signed {
			t.Error("the response is not said to be the bucket's")
		}
		a := <-came
		if a.sameSecond {
			if a.authorization != a.expected {
				t.Errorf("%s is signed %q, the SDK says %q", a.uri, a.authorization, a.expected)
			}
			return a
		}
	}
	t.Fatal("five times the second went by")
	return arrival{}
}

func TestSignature(t *testing.T) {
	server, came := startBucket(t, 200, "hello")
	o := openBucket(t, bucketAt(server.URL), nil)
	f := func(uri, sent string) {
		t.Helper()
		r := get(o, uri)
		r.Header = http.Header{
			"Authorization": {"Basic eDp5"}, "X-Amz-Acl": {"public"}, "Via": {"1.1 x"}, "Content-Type": {"a/b"},
			"User-Agent": {"mirrorgate/1"}, "Accept-Encoding": {"identity"}, "Range": {"bytes=0-"}, "X-Header1": {"a  b"},
		}
		a := signedAs(t, o, r, came)
		if a.uri != "/bucketb"+sent {
			t.Errorf("sent %q, want %q", a.uri, sent)
		}
		if !strings.Contains(a.authorization, "Credential=ak/") || !strings.Contains(a.authorization, "/eu-west-7/s3/aws4_request") ||
			!strings.Contains(a.authorization, "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date,") {
			t.Errorf("authorization %q", a.authorization)
		}
	}
	for _, uri := range []string{
		"/folderB/example.docx", "/a%2Bb%20c", "/%E5%9B%BE%E7%89%87/%C3%A9.png", "//x//y/", "/a/../b", "/%21%27%28%29%2A",
		"/a~b-c_d.e", "/a%252Fb", "/a?w=2&h=3", "/a?b=2&a=1&a=0&c", "/a?x=a+b%20c", "/",
	} {
		f(uri, uri)
	}
	f("/a?b=1;c=2&d=%zz&e=3", "/a?e=3")
}

func TestSessionToken(t *testing.T) {
	server, came := startBucket(t, 200, "hello")
	s := bucketAt(server.URL)
	s.SessionToken = "tok"
	o := openBucket(t, s, nil)
	if a := signedAs(t, o, get(o, "/x"), came); a.token != "tok" || !strings.Contains(a.authorization, "x-amz-security-token") {
		t.Errorf("got %+v", a)
	}
}

func TestKeysFromTheEnvironment(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "ak")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "sk")
	t.Setenv("AWS_SESSION_TOKEN", "tok")
	server, came := startBucket(t, 200, "hello")
	s := bucketAt(server.URL)
	s.AccessKey, s.SecretKey = "", ""
	o := openBucket(t, s, nil)
	if a := signedAs(t, o, get(o, "/x"), came); a.token != "tok" {
		t.Errorf("got %+v", a)
	}
}

func TestKeysOfTheRole(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"} {
		t.Setenv(name, "")
	}
	answer := `{"AccessKeyId":"ak","SecretAccessKey":"sk","Token":"tok","Expiration":"2099-01-01T00:00:00Z"}`
	asked := 0
	role := startHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, answer)
	})
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", role.URL)
	server, came := startBucket(t, 200, "hello")
	s := bucketAt(server.URL)
	s.AccessKey, s.SecretKey = "", ""
	o := openBucket(t, s, nil)
	signedAs(t, o, get(o, "/x"), came)
	if a := signedAs(t, o, get(o, "/x"), came); a.token != "tok" || asked != 1 {
		t.Errorf("got %+v, asked %d times", a, asked)
	}

	answer, asked = `{}`, 0
	o = openBucket(t, s, nil)
	for range 3 {
		if e := refused(t, o, get(o, "/x"), KindFailed); e.Op != opCredentials {
			t.Errorf("failed with %+v", e)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAnonymousBucket(t *testing.T) {
	server, came := startBucket(t, 200, "hello")
	s := bucketAt(server.URL)
	s.AccessKey, s.SecretKey, s.Anonymous = "", "", true
	o := openBucket(t, s, nil)
	r := get(o, "/x")
	r.Header.Set("Authorization", "Basic eDp5")
	if response := fetched(t, o, r); !response.Signed {
		t.Errorf("got %+v", response)
	}
	if a := <-came; a.authorization != "" || a.uri != "/bucketb/x" {
		t.Errorf("got %+v", a)
	}
}

func TestKeysThatNoBucketHolds(t *testing.T) {
	server, came := startBucket(t, 200, "hello")
	o := openBucket(t, bucketAt(server.URL), nil)
	refused(t, o, get(o, "/%E9.png"), KindNotFound)
	if len(came) != 0 {
		t.Error("it was asked")
	}
}

func TestBucketErrors(t *testing.T) {
	f := func(name string, status int, code string, missing []int, anonymous bool, want Kind) {
		t.Run(name, func(t *testing.T) {
			server, _ := startBucket(t, status, `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>m</Message></Error>`)
			s := bucketAt(server.URL)
			if s.MissingIs = missing; anonymous {
				s.AccessKey, s.SecretKey, s.Anonymous = "", "", true
			}
			o := openBucket(t, s, nil)
			if e := refused(t, o, get(o, "/x"), want); e.Status != status || !strings.Contains(e.Error(), code) {
				t.Errorf("failed with %v", e)
			}
		})
	}
	only, both := []int{404}, []int{404, 403}
	f("no key", 404, "NoSuchKey", only, false, KindNotFound)
	f("no key by default", 404, "NoSuchKey", nil, false, KindNotFound)
	f("no code", 404, "", only, false, KindNotFound)
	f("no bucket", 404, "NoSuchBucket", both, false, KindFailed)
	f("no permission", 403, "AccessDenied", only, false, KindFailed)
	f("no permission to list", 403, "AccessDenied", both, false, KindNotFound)
	f("a wrong signature", 403, "SignatureDoesNotMatch", both, false, KindFailed)
	f("a revoked key", 403, "InvalidAccessKeyId", both, false, KindFailed)
	f("a 403 of someone else", 403, "", both, false, KindFailed)
	f("not public", 403, "AccessDenied", only, true, KindPassed)
	f("not public or not there", 403, "AccessDenied", both, true, KindNotFound)
	f("404 is not missing", 404, "NoSuchKey", []int{403}, false, KindFailed)
	f("slow down", 503, "SlowDown", both, false, KindFailed)
}

func TestErrorCode(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		if got := errorCode(strings.NewReader(body)); got != want {
			t.Errorf("%.40q: %q", body, got)
		}
	}
	f("<Error><Code>AccessDenied</Code></Error>", "AccessDenied")
	f("<html><body><Code>AccessDenied</Code></body></html>", "")
	f("<Fault><Code>AccessDenied</Code></Fault>", "")
	f(`<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>NoSuchKey</Code></Error>`, "NoSuchKey")
	f("AccessDenied", "")
	f("<Error><Message>"+strings.Repeat("x", maxError)+"</Message><Code>AccessDenied</Code></Error>", "")
}

func TestSignatureOnRedirects(t *testing.T) {
	redirecting := func(to map[string]string) (*httptest.Server, chan arrival) {
		came := make(chan arrival, 10)
		return startHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			came <- arrivalOf(r)
			if to[r.URL.Path] == "" {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<Error><Code>AccessDenied</Code></Error>")
				return
			}
			w.Header().Set("Location", to[r.URL.Path])
			w.WriteHeader(http.StatusTemporaryRedirect)
		}), came
	}
	away, awayCame := redirecting(map[string]string{"/1": "/2"})
	_, port, _ := net.SplitHostPort(away.Listener.Addr().String())
	home, came := redirecting(map[string]string{
		"/bucketb/a": "/bucketb/b", "/bucketb/away": "http://localhost:" + port + "/1",
	})
	s := bucketAt(home.URL)
	s.MissingIs = []int{404, 403}
	o := openBucket(t, s, func(c *Config) { c.AllowPrivateRedirects = true })
	refused(t, o, get(o, "/a"), KindNotFound)
	if first, second := <-came, <-came; first.authorization == "" || second.authorization == "" ||
		first.authorization == second.authorization || second.uri != "/bucketb/b" {
		t.Errorf("got %+v, then %+v", first, second)
	}
	refused(t, o, get(o, "/away"), KindPassed) // someone else's 403 is no word of the bucket's
	for _, uri := range []string{"/1", "/2"} {
		if a := <-awayCame; a.authorization != "" || a.uri != uri {
			t.Errorf("the signature went along: %+v", a)
		}
	}
}

func TestCodingOfUploads(t *testing.T) {
	f := func(want []string, values ...string) {
		t.Helper()
		h := http.Header{"Content-Encoding": slices.Clone(values)}
		unchunked(h)
		if got := h.Values("Content-Encoding"); !slices.Equal(got, want) {
			t.Errorf("%q became %q, want %q", values, got, want)
		}
	}
	f(nil, "aws-chunked")
	f(nil, "AWS-Chunked,")
	f([]string{"gzip"}, "aws-chunked,gzip")
	f([]string{"gzip"}, "gzip", "aws-chunked")
	f([]string{"gzip , br"}, "gzip , br")
}

func TestBucketBase(t *testing.T) {
	f := func(endpoint, name, lookup, want string) {
		t.Helper()
		s := bucketAt(endpoint)
		s.Name, s.Lookup, s.Prefix = name, lookup, "p/"
		base, prefix, signed := Target{S3: s}.Base()
		if base != want || prefix != "p/" && want != "" || !signed {
			t.Errorf("%s %s %s: %q, %q, %t", endpoint, name, lookup, base, prefix, signed)
		}
	}
	f("http://127.0.0.1:9000", "b-1", "auto", "http://127.0.0.1:9000/b-1")
	f("127.0.0.1:9000/", "b-1", "", "http://127.0.0.1:9000/b-1")
	f("https://s3.eu-west-1.amazonaws.com", "b-1", "auto", "https://b-1.s3.eu-west-1.amazonaws.com")
	f("https://s3.eu-west-1.amazonaws.com", "b.1", "auto", "https://s3.eu-west-1.amazonaws.com/b.1")
	f("https://s3.eu-west-1.amazonaws.com", "b-1", "path", "https://s3.eu-west-1.amazonaws.com/b-1")
	f("https://S3.Example.com:444", "b-1", "dns", "https://b-1.s3.example.com:444")
	f("http://127.0.0.1", "b-1", "dns", "")
	f("http://s3.example.com/x", "b-1", "path", "")
	region := func(endpoint, region, want string) {
		t.Helper()
		s := bucketAt(endpoint)
		if s.Region = region; s.region() != want {
			t.Errorf("%s: region %s", endpoint, s.region())
		}
	}
	region("https://s3.eu-west-1.amazonaws.com", "", "eu-west-1")
	region("https://s3.eu-west-1.amazonaws.com", "x", "x")
	region("http://127.0.0.1:9000", "", "us-east-1")
	if u, err := url.Parse("http://a"); err != nil || portOf(u) != "80" {
		t.Error(u, err)
	}
}
