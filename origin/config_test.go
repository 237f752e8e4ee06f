package origin

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func mistakes(c Config) []string {
	var all []string
	c.Validate(func(path, problem string) { all = append(all, path+": "+problem) })
	return all
}

func TestDefaults(t *testing.T) {
	c := DefaultConfig()
	if found := mistakes(c); len(found) != 0 {
		t.Errorf("the defaults are wrong: %q", found)
	}
	if got := fmt.Sprint(c.FailoverOn, c.PassStatus, c.FollowRedirects, c.Timeouts, c.Breaker, c.MaxConcurrent, c.MaxRate,
		c.MaxBandwidth, c.AllowPrivateRedirects) + " " + c.Scope; got !=
		"[connect timeout 5xx 404] [401 403 451] 10 {15s 3s 10s 30s} {5 10s 5s} 256 0 0 false gateway" {
		t.Errorf("defaults %s", got)
	}
	if !c.Primary.Zero() || !c.Backup.Zero() {
		t.Error("a default has a target")
	}
}

func TestBase(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var target Target
		if err := target.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if base, prefix, signed := target.Base(); base != want || prefix != "" || signed {
			t.Errorf("%s: %q, %q, %t", text, base, prefix, signed)
		}
		c := DefaultConfig()
		c.Primary = target
		if found := mistakes(c); len(found) != 0 {
			t.Errorf("%s: %q", text, found)
		}
	}
	f("http://o.example/base/", "http://o.example/base")
	f("HTTPS://O.Example", "https://o.example")
	f("old.example.com", "http://old.example.com")
	f("old.example.com:8080", "http://old.example.com:8080")
	f("localhost:8080/x/y", "http://localhost:8080/x/y")
	f("192.0.2.7", "http://192.0.2.7")
	f("10.0.0.1:81/", "http://10.0.0.1:81")
	f("[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x")
	f("https://[2001:DB8::1]", "https://[2001:db8::1]")
	f("http://o.example/a!'()*b%2Fc%e9", "http://o.example/a!'()*b%2Fc%e9")
	f("http://o.example/grün und blau", "http://o.example/gr%C3%BCn%20und%20blau")
	f("http://o.example//a//", "http://o.example//a/")
	f("http://under_score.example", "http://under_score.example")
	f("https://xn--grn-hoa.example", "https://xn--grn-hoa.example")
}

func TestTargetMistakes(t *testing.T) {
	f := func(target Target, path, says string) {
		t.Helper()
		c := DefaultConfig()
		c.Backup = target
		found := mistakes(c)
		if len(found) != 1 || !strings.HasPrefix(found[0], path+": ") || !strings.Contains(found[0], says) {
			t.Errorf("%+v: %q", target, found)
		}
		if strings.Contains(strings.Join(found, ""), "hunter2") {
			t.Errorf("the password is shown: %q", found)
		}
	}
	url := func(text, says string) {
		t.Helper()
		f(Target{URL: text, scalar: true}, "backup", says)
		f(Target{URL: text}, "backup.url", says)
	}
	url("ftp://x", "scheme")
	url("http://", "no host")
	url("http://:80", "no host")
	url("http://u:hunter2@x", "forward.headers.set.Authorization")
	url("http://u:hunt er2:hunter2@x", "")
	url("http://u@x", "forward.headers.set.Authorization")
	url("http://x:0", "port")
	url("http://x:", "port")
	url("http://x:65536", "port")
	url("http://x:http", "not a URL")
	url("http://x/?a=b", `"?"`)
	url("http://x/?", `"?"`)
	url("http://x/#a", `"#"`)
	url("http://x/a/../b", `".."`)
	url("http://x/%2e%2e/b", `".."`)
	url(`http://x/a\b`, "must not hold")
	url("http://x/%zz", "not a URL")
	url("2001:db8::1", "brackets: http://[2001:db8::1]")
	url("http://grün.example", "punycode")
	url("http://a..b", "name of letters")
	url("http://[fe80::1%25eth0]", "zone")
	url("http://169.254.169.254", "never asked")
	url("http://[::ffff:169.254.169.254]", "never asked")
	url("http://0.0.0.0:80", "never asked")
	f(Target{Host: "x"}, "backup", "needs a url")
	f(Target{URL: "http://x", Host: "a b"}, "backup.host", "Host header")
	f(Target{URL: "http://x", Host: "a\r\nb"}, "backup.host", "Host header")
	f(Target{URL: "http://x", ConnectTo: "a b"}, "backup.connect_to", "203.0.113.7:443")
	f(Target{URL: "http://x", ConnectTo: "1.2.3.4:0"}, "backup.connect_to", "203.0.113.7:443")
	f(Target{URL: "http://x", ConnectTo: "169.254.1.1:80"}, "backup.connect_to", "never asked")
	f(Target{URL: "http://x", TLS: TLS{ServerName: "a b"}}, "backup.tls.server_name", "name of a host")
	f(Target{URL: "http://x", TLS: TLS{CAFile: "/nowhere"}}, "backup.tls.ca_file", "no such file")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f(Target{URL: "http://x", TLS: TLS{CAFile: empty}}, "backup.tls.ca_file", "no certificate")

	bucket := func(change func(*S3), path, says string) {
		t.Helper()
		s := bucketAt("http://127.0.0.1:9000")
		change(s)
		f(Target{S3: s}, path, says)
	}
	bucket(func(s *S3) { s.Endpoint = "" }, "backup.s3.endpoint", "no host")
	bucket(func(s *S3) { s.Endpoint = "http://x/y" }, "backup.s3.endpoint", "path")
	bucket(func(s *S3) { s.Lookup = lookupDNS }, "backup.s3.endpoint", "lookup: dns")
	bucket(func(s *S3) { s.Name = "" }, "backup.s3.name", "")
	bucket(func(s *S3) { s.Name = "a/b" }, "backup.s3.name", "")
	bucket(func(s *S3) { s.Lookup = "x" }, "backup.s3.lookup", "auto, path or dns")
	bucket(func(s *S3) { s.Prefix = "\xff" }, "backup.s3.prefix", "UTF-8")
	bucket(func(s *S3) { s.Region = "a b" }, "backup.s3.region", "eu-central-1")
	bucket(func(s *S3) { s.CAFile = "/nowhere" }, "backup.s3.ca_file", "no such file")
	bucket(func(s *S3) { s.Anonymous = true }, "backup.s3.anonymous", "beside keys")
	bucket(func(s *S3) { s.AccessKey = "" }, "backup.s3.access_key", "missing")
	bucket(func(s *S3) { s.SecretKey = "" }, "backup.s3.secret_key", "missing")
	bucket(func(s *S3) { s.AccessKey = "a\r\n" }, "backup.s3.access_key", "control characters")
	bucket(func(s *S3) { s.MissingIs = []int{404, 500} }, "backup.s3.missing_is[1]", "404 or 403")
	f(Target{S3: bucketAt("http://x"), URL: "http://x"}, "backup", "not both")
	f(Target{S3: bucketAt("http://x"), Host: "x"}, "backup.host", "remove it")
	f(Target{S3: bucketAt("http://x"), TLS: TLS{ServerName: "x"}}, "backup.tls", "s3.ca_file")
}

func TestMistakes(t *testing.T) {
	f := func(path string, change func(*Config)) {
		t.Helper()
		c := DefaultConfig()
		change(&c)
		found := mistakes(c)
		if len(found) != 1 || !strings.HasPrefix(found[0], path+": ") {
			t.Errorf("%s: %q", path, found)
		}
		if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: New says %v", path, err)
		}
	}
	f("failover_on[1]", func(c *Config) { c.FailoverOn = []string{"4xx", "often"} })
	f("failover_on[0]", func(c *Config) { c.FailoverOn = []string{"200"} })
	f("failover_on[0]", func(c *Config) { c.FailoverOn = []string{"600"} })
	f("pass_status[0]", func(c *Config) { c.PassStatus = []int{302} })
	f("pass_status[1]", func(c *Config) { c.PassStatus = []int{401, 404} })
	f("pass_status[0]", func(c *Config) { c.PassStatus = []int{410} })
	f("pass_status[0]", func(c *Config) { c.PassStatus = []int{508} })
	f("follow_redirects", func(c *Config) { c.FollowRedirects = -1 })
	f("follow_redirects", func(c *Config) { c.FollowRedirects = 51 })
	f("timeouts.answer", func(c *Config) { c.Timeouts.Answer = 0 })
	f("timeouts.connect", func(c *Config) { c.Timeouts.Connect = 0 })
	f("timeouts.first_byte", func(c *Config) { c.Timeouts.FirstByte = 0 })
	f("timeouts.stall", func(c *Config) { c.Timeouts.Stall = -1 })
	f("breaker.failures", func(c *Config) { c.Breaker.Failures = -1 })
	f("breaker.failures", func(c *Config) { c.Breaker.Failures = maxFailures + 1 })
	f("breaker.window", func(c *Config) { c.Breaker.Window = 0 })
	f("breaker.open", func(c *Config) { c.Breaker.Open = -1 })
	f("max_concurrent", func(c *Config) { c.MaxConcurrent = 0 })
	f("max_rate", func(c *Config) { c.MaxRate = -1 })
	f("max_rate", func(c *Config) { c.MaxRate = math.NaN() })
	f("max_bandwidth", func(c *Config) { c.MaxBandwidth = -1 })
	f("scope", func(c *Config) { c.Scope = "" })
	f("scope", func(c *Config) { c.Scope = "cluster" })
}

func TestConnectTo(t *testing.T) {
	f := func(base, to, address, want string) {
		t.Helper()
		u, problem := parseBase(base)
		if problem != "" {
			t.Fatal(problem)
		}
		if got := (dialTo{u, to}).address(address); got != want {
			t.Errorf("%s with %s dials %s for %s", base, to, got, address)
		}
	}
	f("http://a", "", "a:80", "a:80")
	f("http://a", "1.2.3.4:8080", "a:80", "1.2.3.4:8080")
	f("http://a", "1.2.3.4:8080", "a:443", "1.2.3.4:443")
	f("http://a", "1.2.3.4", "a:443", "1.2.3.4:443")
	f("https://a:444", "b.example:1", "a:444", "b.example:1")
	f("http://a", "::1", "a:80", "[::1]:80")
	f("http://a", "[::1]", "a:80", "[::1]:80")
	f("http://a", "[::1]:81", "a:80", "[::1]:81")
	for _, to := range []string{"1.2.3.4:8080", "1.2.3.4", "b.example:1", "::1", "[::1]", "[::1]:81"} {
		c := DefaultConfig()
		c.Primary = Target{URL: "http://a", ConnectTo: to}
		if found := mistakes(c); len(found) != 0 {
			t.Errorf("%s: %q", to, found)
		}
	}
}

func TestAbroad(t *testing.T) {
	h := http.Header{"User-Agent": {"secret"}, "Via": {"v"}, "If-Match": {`"x"`}, "X-A": {"a"}}
	names := func(h http.Header) []string {
		var all []string
		for name, values := range h {
			all = append(all, name+"="+values[0])
		}
		slices.Sort(all)
		return all
	}
	if got := names(abroad(h, map[string]bool{"User-Agent": true})); !slices.Equal(got, []string{`If-Match="x"`, "User-Agent=", "Via=v", "X-A=a"}) {
		t.Errorf("kept %q", got)
	}
	if got := names(abroad(h, nil)); !slices.Equal(got, []string{`If-Match="x"`, "User-Agent=", "Via=v"}) {
		t.Errorf("kept %q", got)
	}
}
