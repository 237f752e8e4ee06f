package harness

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestMinIO(t *testing.T) { testS3(t, StartMinIO(t)) }

func TestVersityGW(t *testing.T) { testS3(t, StartVersityGW(t)) }

func testS3(t *testing.T, s *S3Server) {
	s.CreateBucket(t, "assets")
	header := http.Header{"Content-Type": {"text/plain"}, "Cache-Control": {"max-age=60"}, "Mg-Test": {"yes"}}
	s.Put(t, "assets", "a/b c.txt", []byte("hello"), header)

	body, got := s.Get(t, "assets", "a/b c.txt")
	if string(body) != "hello" || got.Size != 5 || got.ETag == "" || got.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("got %q, %+v", body, got)
	}
	if got.Header.Get("Content-Type") != "text/plain" || got.Header.Get("X-Amz-Meta-Mg-Test") != "yes" {
		t.Errorf("metadata: %v", got.Header)
	}
	if out := s.AWS(t, "s3api", "head-object", "--bucket", "assets", "--key", "a/b c.txt"); !bytes.Contains(out, []byte("mg-test")) {
		t.Errorf("aws s3api head-object: %s", out)
	}

	big := Truth{Seed: 1, Size: 17<<20 + 3}
	s.PutReader(t, "assets", "big", big.Reader(), big.Size, nil)
	stored, _ := s.Open(t, "assets", "big")
	if err := big.Check(stored); err != nil {
		t.Errorf("multipart object: %v", err)
	}
	stored.Close()

	s.Restart(t)
	if stored := s.WaitStored(t, "assets", "big", time.Second); stored.Size != big.Size {
		t.Errorf("after a restart: %+v", stored)
	}
	if keys := s.Keys(t, "assets", ""); strings.Join(keys, ",") != "a/b c.txt,big" {
		t.Errorf("keys: %q", keys)
	}
	s.Delete(t, "assets", "big")
	if _, ok := s.Head(t, "assets", "big"); ok {
		t.Error("there after being deleted")
	}
	testAnonymous(t, s)
}

func testAnonymous(t *testing.T, s *S3Server) {
	f := func(key string, want int) {
		t.Helper()
		response, err := newHTTPClient().Get(s.Endpoint + "/assets/" + key)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("anonymous GET of %s: %d, not %d", key, response.StatusCode, want)
		}
	}
	f("a/b%20c.txt", http.StatusForbidden)
	s.AllowAnonymousReads(t, "assets")
	f("a/b%20c.txt", http.StatusOK)
	f("absent", http.StatusNotFound)
}

func TestNginx(t *testing.T) {
	extra := FreeAddr(t)
	n := StartNginx(t, NginxConfig{
		Server: `location = /gone { return 410; }`,
		HTTP:   `server { listen ` + extra + `; location / { return 503; } }`,
		Log:    []string{"X-More"},
	})
	body := Truth{Seed: 2, Size: 3 << 20}
	n.Put(t, "dir/a b.jpg", body.Bytes())

	get := func(url string, header ...string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		response, err := newHTTPClient().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	response := get(n.URL+"/dir/a%20b.jpg?x=1&y=%22", "header1", `a"b\`, "header2", "é", "Cookie", "c=1; d=2",
		"User-Agent", "test", "X-More", "more")
	if err := body.Check(response.Body); err != nil || response.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%s, %v, %v", response.Status, response.Header, err)
	}
	if response := get(n.URL + "/gone"); response.StatusCode != http.StatusGone {
		t.Errorf("server snippet: %s", response.Status)
	}
	if response := get("http://" + extra + "/"); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("http snippet: %s", response.Status)
	}

	r := n.WaitRequests(t, 3)[0]
	if r.Method != http.MethodGet || r.Target != "/dir/a%20b.jpg?x=1&y=%22" || r.Query != "x=1&y=%22" || r.Status != 200 ||
		r.Bytes != body.Size {
		t.Errorf("record: %+v", r)
	}
	h := r.Header
	if h.Get("header1") != `a"b\` || h.Get("header2") != "é" || h.Get("Cookie") != "c=1; d=2" || h.Get("User-Agent") != "test" ||
		h.Get("X-More") != "more" || h.Get("Host") != n.Addr || len(h) != 6 {
		t.Errorf("headers in the record: %v", h)
	}

	n.Kill()
	if n.Running() {
		t.Error("running after Kill")
	}
	n.Restart(t)
	if response := get(n.URL + "/absent"); response.StatusCode != http.StatusNotFound {
		t.Errorf("after a restart: %s", response.Status)
	}
	if code := n.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

const gatewayConfig = `
sites:
- name: assets
  hosts: ["*"]
  bucket: {dir: "${DATA_DIR}/../bucket"}
  rules:
  - id: all
    origin: {primary: "${ORIGIN}"}
`

func TestGateway(t *testing.T) {
	n := StartNginx(t, NginxConfig{})
	n.Put(t, "a.txt", []byte("from the origin"))
	g := StartGateway(t, gatewayConfig, WithEnv("ORIGIN="+n.URL), WithDataDir(t.TempDir()+"/data"))
	testGateway(t, g)
	if code := g.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	g.Restart(t)
	testGateway(t, g)
	g.Kill()
	g.Restart(t)
	testGateway(t, g)
}

func TestGatewayFromFlags(t *testing.T) {
	n := StartNginx(t, NginxConfig{})
	n.Put(t, "a.txt", []byte("from the origin"))
	testGateway(t, StartGateway(t, "", WithArgs("--origin", n.URL, "--bucket", t.TempDir())))
}

func testGateway(t *testing.T, g *Gateway) {
	t.Helper()
	if a := g.Get(t, "/a.txt"); a.Status != http.StatusOK || string(a.Body) != "from the origin" || a.Err != nil {
		t.Errorf("%+v", a)
	}
	response := g.Open(t, http.MethodHead, "/a.txt", "Host", "any.example")
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.ContentLength != 15 {
		t.Errorf("HEAD: %d bytes, %v", response.ContentLength, err)
	}
	response.Body.Close()
	if now, peak := g.RSS(t), g.PeakRSS(t); now < 1<<20 || peak < now {
		t.Errorf("resident memory %d, at most %d", now, peak)
	}
	g.ResetPeakRSS(t)
	if g.Log(t) == "" {
		t.Error("nothing logged")
	}
}
