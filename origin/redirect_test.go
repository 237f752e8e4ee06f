package origin

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// startRedirecting sends what the table says for a path: a Location, or "" for a body.
func startRedirecting(t *testing.T, status int, to map[string]string) *rawServer {
	return startRaw(t, func(c net.Conn, head string) bool {
		_, rest, _ := strings.Cut(head, " ")
		path, _, _ := strings.Cut(rest, " ")
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
		if location := to[path]; location != "" {
			answer = fmt.Sprintf("HTTP/1.1 %d There\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone", status, location)
		}
		_, err := io.WriteString(c, answer)
		return err == nil
	})
}

func TestRedirectsAreFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := startRedirecting(t, status, map[string]string{"/a": "/d/b!'()*?x=1#y", "/d/b!'()*?x=1": "c%2Fd grün"})
		o := open(t, server.url(), nil)
		if got := content(t, fetched(t, o, get(o, "/a"))); got != "hello" {
			t.Errorf("%d: body %q", status, got)
		}
		for _, want := range []string{"/a", "/d/b!'()*?x=1", "/d/c%2Fd%20gr%C3%BCn"} {
			if got := server.line(t); got != "GET "+want+" HTTP/1.1" {
				t.Errorf("%d: sent %q, want %s", status, got, want)
			}
		}
	}
}

func TestRedirectsThatLeadNowhere(t *testing.T) {
	f := func(name, location string) {
		t.Run(name, func(t *testing.T) {
			server := startRedirecting(t, 302, map[string]string{"/a": location})
			o := open(t, server.url(), nil)
			e := refused(t, o, get(o, "/a"), KindFailed)
			if e.Op != opRedirect && e.Op != opConnect {
				t.Errorf("failed with %+v", e)
			}
			server.line(t)
			server.unasked(t)
		})
	}
	f("metadata", "http://169.254.169.254/latest/meta-data/")
	f("metadata, mapped", "http://[::ffff:169.254.169.254]/")
	f("metadata, mapped in hex", "http://[::ffff:a9fe:a9fe]/")
	f("metadata, 6to4", "http://[2002:a9fe:a9fe::1]/")
	f("mapped private", "http://[::ffff:10.0.0.1]/")
	f("private", "http://10.0.0.1/")
	f("loopback by name", "http://localhost:1/")
	f("another loopback", "http://127.0.0.2:1/")
	f("unspecified", "http://[::]/")
	f("scheme", "ftp://example.com/")
	f("file", "file:///etc/passwd")
	f("no host", "http:///x")
	f("port", "http://example.com:99999/")
	f("encoding", "/%zz")
	f("long", "/"+strings.Repeat("x", maxLocation))
	f("not ASCII", "http://grün.example/")
}

// The name is fine, its address is not: the check is made on what the resolver says.
func TestRedirectToPrivateName(t *testing.T) {
	other := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	_, port, _ := net.SplitHostPort(other.addr)
	server := startRedirecting(t, 302, map[string]string{"/a": "http://localhost:" + port + "/b"})
	o := open(t, server.url(), nil)
	if e := refused(t, o, get(o, "/a"), KindFailed); !strings.Contains(e.Error(), "allow_private_redirects") || e.Temporary {
		t.Errorf("failed with %v", e)
	}
	other.unasked(t)
	o = open(t, server.url(), func(c *Config) { c.AllowPrivateRedirects = true })
	if got := content(t, fetched(t, o, get(o, "/a"))); got != "hello" {
		t.Errorf("body %q", got)
	}
}

func TestNoLocation(t *testing.T) {
	for _, headers := range []string{"", "Location: /b\r\nLocation: /c\r\n"} {
		o := open(t, startSaying(t, "HTTP/1.1 302 Found\r\n"+headers+"Content-Length: 0\r\n\r\n").url(), nil)
		refused(t, o, get(o, "/a"), KindFailed)
	}
}

func TestRedirectLoop(t *testing.T) {
	server := startRedirecting(t, 302, map[string]string{"/a": "/b", "/b": "/a"})
	o := open(t, server.url(), func(c *Config) { c.FollowRedirects = 3 })
	if e := refused(t, o, get(o, "/a"), KindFailed); !strings.Contains(e.Error(), "follow_redirects") {
		t.Errorf("failed with %v", e)
	}
	if n := len(server.heads); n != 4 {
		t.Errorf("%d requests", n)
	}
	server = startRedirecting(t, 302, map[string]string{"/a": "/b", "/b": "/c", "/c": "/d"})
	o = open(t, server.url(), func(c *Config) { c.FollowRedirects = 3 })
	content(t, fetched(t, o, get(o, "/a")))
}

func TestRedirectsForTheClient(t *testing.T) {
	f := func(name string, follow int, locations map[string]string, want string, slash bool) {
		t.Run(name, func(t *testing.T) {
			server := startRedirecting(t, 301, locations)
			c := DefaultConfig()
			c.Primary, c.FollowRedirects = Target{URL: server.url()}, follow
			o := openWith(t, c, Options{Served: func(host string) bool { return host == "assets.example.com" }})
			r := fetched(t, o, get(o, "/a"))
			want := strings.ReplaceAll(want, "ORIGIN", server.url())
			if r.Status != 301 || r.Header.Get("Location") != want || r.AddsSlash != slash || r.Length != 0 {
				t.Errorf("got %+v", r)
			}
			if got := content(t, r); got != "" {
				t.Errorf("body %q", got)
			}
		})
	}
	f("a slash", 10, map[string]string{"/a": "/a/"}, "/a/", true)
	f("a slash on another port", 10, map[string]string{"/a": "https://127.0.0.1:8443/a/"}, "https://127.0.0.1:8443/a/", true)
	f("a slash later", 10, map[string]string{"/a": "/b", "/b": "/b/"}, "ORIGIN/b/", true)
	f("a served host", 10, map[string]string{"/a": "https://Assets.Example.com.:443/x"},
		"https://Assets.Example.com.:443/x", false)
	f("none is followed", 0, map[string]string{"/a": "http://169.254.169.254/x"}, "http://169.254.169.254/x", false)
}

// A host that the gateway serves by now is still the origin when connect_to says where that is.
func TestServedHostWithConnectTo(t *testing.T) {
	server := startRedirecting(t, 302, map[string]string{"/a": "/b"})
	c := DefaultConfig()
	c.Primary = Target{URL: "http://assets.example.com", ConnectTo: server.addr}
	o := openWith(t, c, Options{Served: func(string) bool { return true }})
	if got := content(t, fetched(t, o, get(o, "/a"))); got != "hello" {
		t.Errorf("body %q", got)
	}
	if head := server.head(t); !strings.Contains(head, "\r\nHost: assets.example.com\r\n") {
		t.Errorf("sent %q", head)
	}
}

func TestSecretsStayAtTheirPlace(t *testing.T) {
	header := http.Header{
		"Authorization": {"Basic eDp5"}, "Cookie": {"a=b"}, "X-Secret": {"s"}, "X-Passed": {"p"}, "User-Agent": {"mirrorgate/1"},
		"Cdn-Loop": {"mirrorgate-x"}, "Via": {"1.1 mirrorgate"}, "Range": {"bytes=0-"},
	}
	f := func(name, host string, secret map[string]bool, there, gone []string) {
		t.Run(name, func(t *testing.T) {
			last := startSaying(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			_, port, _ := net.SplitHostPort(last.addr)
			first := startRedirecting(t, 302, map[string]string{"/a": "http://u:p@" + host + ":" + port + "/b"})
			o := open(t, first.url(), func(c *Config) { c.AllowPrivateRedirects = true })
			r := get(o, "/a")
			r.Header, r.Secret = header, secret
			fetched(t, o, r)
			if head := first.head(t); !strings.Contains(head, "Basic eDp5") || !strings.Contains(head, "X-Secret") {
				t.Errorf("the target itself got %q", head)
			}
			head := last.head(t)
			for _, name := range there {
				if !strings.Contains(head, "\r\n"+name+": ") {
					t.Errorf("%s is gone: %q", name, head)
				}
			}
			for _, name := range gone {
				if strings.Contains(head, "\r\n"+name+": ") {
					t.Errorf("%s is there: %q", name, head)
				}
			}
		})
	}
	secrets := []string{"Authorization", "Cookie", "X-Secret"}
	set := map[string]bool{"X-Secret": true}
	f("another port", "127.0.0.1", set, []string{"X-Passed", "User-Agent", "Cdn-Loop", "Via", "Range"}, secrets)
	f("another host", "localhost", set, []string{"X-Passed", "User-Agent", "Cdn-Loop", "Via", "Range"}, secrets)
	f("not known", "localhost", nil, []string{"Cdn-Loop", "Via", "Range"}, append(secrets, "X-Passed", "User-Agent"))
}

func TestSecretsDoNotComeBack(t *testing.T) {
	var there *rawServer
	home := startRaw(t, func(c net.Conn, head string) bool {
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
		if strings.HasPrefix(head, "GET /a ") {
			_, port, _ := net.SplitHostPort(there.addr)
			answer = "HTTP/1.1 302 Found\r\nLocation: http://localhost:" + port + "/\r\nContent-Length: 0\r\n\r\n"
		}
		_, err := io.WriteString(c, answer)
		return err == nil
	})
	there = startRedirecting(t, 302, map[string]string{"/": home.url() + "/b"})
	o := open(t, home.url(), func(c *Config) { c.AllowPrivateRedirects = true })
	r := get(o, "/a")
	r.Header.Set("Authorization", "Basic eDp5")
	content(t, fetched(t, o, r))
	home.head(t)
	if head := home.head(t); !strings.HasPrefix(head, "GET /b ") || strings.Contains(head, "Authorization") {
		t.Errorf("sent %q", head)
	}
}

func TestSamePlace(t *testing.T) {
	f := func(from, to string, want bool) {
		t.Helper()
		a, errA := parseURL(from)
		b, errB := parseURL(to)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if got := samePlace(a, b); got != want {
			t.Errorf("%s to %s: %t", from, to, got)
		}
	}
	f("http://a/x", "http://A.:80/y", true)
	f("http://a/x", "https://a/x", true)
	f("http://a:80/x", "https://a:443/x", true)
	f("https://a/x", "http://a/x", false)
	f("http://a:8080/x", "https://a/x", false)
	f("http://a/x", "https://a:8443/x", false)
	f("http://a/x", "http://a:8080/x", false)
	f("http://a/x", "http://b/x", false)
	f("http://a/x", "http://b.a/x", false)
}
