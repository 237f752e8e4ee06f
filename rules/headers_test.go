package rules

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"
)

// sent gives what goes to the origin for a client's headers, less mirrorgate's own where they are as always.
func sent(t *testing.T, client http.Header, change func(c *Config)) (http.Header, Plan) {
	t.Helper()
	plan, err := one(t, change).Decide(Request{Key: "a"}).Plan(client)
	if err != nil {
		t.Fatal(err)
	}
	h := plan.Header.Clone()
	for name, value := range map[string]string{
		"User-Agent": "mirrorgate/1", "Accept-Encoding": "identity", "Via": "1.1 mirrorgate",
		"Cdn-Loop": "mirrorgate-x1",
	} {
		if len(h[name]) != 1 {
			t.Errorf("%s: %q", name, h[name])
		}
		if slices.Equal(h[name], []string{value}) {
			delete(h, name)
		}
	}
	return h, plan
}

func TestHeaderPolicy(t *testing.T) {
	client := http.Header{
		"X-One": {"1", "2"}, "X-Two": {"2"}, "Cookie": {"c=1"}, "User-Agent": {"curl"}, "Accept": {"*/*"},
		"header1": {"lower"}, "Authorization": {"Bearer secret"}, "Range": {"bytes=0-1"}, "If-None-Match": {`"x"`},
	}
	f := func(name string, headers Headers, want http.Header) {
		t.Helper()
		got, _ := sent(t, client, func(c *Config) { c.Forward.Headers = headers })
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v; want %v", name, got, want)
		}
	}
	f("nothing by default", Headers{}, http.Header{})
	f("a list", Headers{Pass: Names{"x-one", "HEADER1", "X-Absent"}}, http.Header{"X-One": {"1", "2"},
		"Header1": {"lower"}})
	f("all", Headers{Pass: Names{"all"}}, http.Header{
		"X-One": {"1", "2"}, "X-Two": {"2"}, "Cookie": {"c=1"}, "User-Agent": {"curl"}, "Accept": {"*/*"},
		"Header1": {"lower"},
	})
	f("drop beats pass", Headers{Pass: Names{"X-One", "X-Two"}, Drop: []string{"x-one"}}, http.Header{"X-Two": {"2"}})
	f("drop of the user agent gives ours", Headers{Pass: Names{"User-Agent"}, Drop: []string{"User-Agent"}},
		http.Header{})
	f("drop does not touch our own", Headers{Drop: []string{"Via", "CDN-Loop", "Accept-Encoding", "Range"}},
		http.Header{})
	f("set beats both", Headers{
		Pass: Names{"X-One", "X-Two"}, Drop: []string{"X-One"}, Set: map[string]string{"x-one": "s", "X-Two": "t"},
	}, http.Header{"X-One": {"s"}, "X-Two": {"t"}})
	f("set of what may be", Headers{Set: map[string]string{"Authorization": "Basic eDp5", "User-Agent": "bot"}},
		http.Header{"Authorization": {"Basic eDp5"}, "User-Agent": {"bot"}})
}

func TestNeverPassed(t *testing.T) {
	names := []string{
		"Content-Length", "Authorization", "Range", "Date", "Content-MD5", "Host", "Expect", "If-Match", "If-Range",
		"If-Anything", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-URL",
		"X-Rewrite-URL", "X-HTTP-Method-Override", "Transfer-Encoding", "Connection", "Proxy-Connection",
		"Keep-Alive", "TE",
		"Trailer", "Upgrade", "Proxy-Authenticate", "Proxy-Authorization", "HTTP2-Settings", "x-bce-a", "X-Amz-Acl",
		"x-oss-a", "x-cos-a", "x-obs-a", "x-tos-a", "X_Forwarded_Host", "x_amz-a", "Accept-Encoding", "Via", "CDN-Loop",
	}
	for _, name := range names {
		ours := slices.Contains([]string{"Accept-Encoding", "Via", "CDN-Loop"}, name)
		if !ours {
			got, _ := sent(t, http.Header{name: {"v"}, http.CanonicalHeaderKey(name): {"v"}},
				func(c *Config) { c.Forward.Headers.Pass = Names{"all"} })
			if len(got) != 0 {
				t.Errorf("%s is passed: %v", name, got)
			}
		}
		c := mirror("r", Match{})
		c.Forward.Headers.Pass = Names{name}
		c.Forward.Headers.Drop = []string{name}
		c.Forward.Headers.Set = map[string]string{name: "v"}
		want := []string{"forward.headers.pass[0]", "forward.headers.set." + name}
		if name == "Authorization" {
			want = want[:1]
		}
		checkReported(t, name, mistakes(func(r func(string, string)) { c.Validate(OrderFirstMatch, r) }), want)
	}
}

func TestOurOwnHeadersCannotBeSpoofed(t *testing.T) {
	h, _ := sent(t, http.Header{
		"Accept-Encoding": {"br"}, "Via": {"1.1 evil"}, "Cdn-Loop": {"cdn-a; v=1", " , ", "cdn-b,"},
		"Connection": {"CDN-Loop, Via"},
	}, func(c *Config) { c.Forward.Headers.Pass = Names{"all"} })
	if want := (http.Header{"Cdn-Loop": {"cdn-a; v=1, cdn-b, mirrorgate-x1"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("sent %v; want %v", h, want)
	}
}

func TestConnectionNamedAndInvalidLines(t *testing.T) {
	client := http.Header{
		"Connection": {"close, x-one", "X-Two ,"}, "X-One": {"1"}, "X-Two": {"2"}, "X-Set": {"client"},
		"X-Three":  {"3"},
		"X-Broken": {"a\r\nX-Evil: 1", "b\x00", "fine\t"}, "X Space": {"1"}, "": {"1"}, "X-Empty": {},
	}
	want := http.Header{"X-Three": {"3"}, "X-Broken": {"fine\t"}, "X-Set": {"ours"}}
	for _, pass := range []Names{{"all"}, {"X-One", "X-Two", "X-Three", "X-Broken"}} {
		got, _ := sent(t, client, func(c *Config) {
			c.Forward.Headers = Headers{Pass: pass, Set: map[string]string{"X-Set": "ours"}}
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("pass %v: %v; want %v", pass, got, want)
		}
	}
}

func TestProxyPassesConditions(t *testing.T) {
	client := http.Header{"Range": {"bytes=0-1"}, "If-Range": {`"x"`}, "If-None-Match": {`"y"`},
		"If-Other": {"z"}, "X-One": {"1"}}
	got, _ := sent(t, client, func(c *Config) { c.Mode = ModeProxy })
	if want := (http.Header{"Range": {"bytes=0-1"}, "If-Range": {`"x"`},
		"If-None-Match": {`"y"`}}); !reflect.DeepEqual(got, want) {
		t.Errorf("proxy sends %v; want %v", got, want)
	}
	got, _ = sent(t, client, func(c *Config) {
		c.Mode, c.Forward.Headers.Drop = ModeProxy, []string{"range", "if-range"}
	})
	if want := (http.Header{"If-None-Match": {`"y"`}}); !reflect.DeepEqual(got, want) {
		t.Errorf("proxy with drop sends %v; want %v", got, want)
	}
	s := one(t, func(c *Config) { c.Forward.Query = QuerySkip })
	plan, err := s.Decide(Request{Key: "a", Query: "q", HasQuery: true}).Plan(client)
	if err != nil || plan.Header.Get("Range") == "" || plan.Location() != "http://www.myweb.com/a?q" {
		t.Errorf("a mirror rule that proxies a query: %v, %v, %v", plan.Header, plan.Asks, err)
	}
}

func TestCookies(t *testing.T) {
	f := func(name string, headers Headers, override []string, cookie, solo bool) {
		t.Helper()
		_, plan := sent(t, http.Header{"Cookie": {"c=1"}}, func(c *Config) {
			c.Forward.Headers, c.Store.Override = headers, override
		})
		if plan.Cookie != cookie || plan.Solo != solo {
			t.Errorf("%s: cookie %v, solo %v", name, plan.Cookie, plan.Solo)
		}
	}
	f("not passed", Headers{}, nil, false, false)
	f("passed", Headers{Pass: Names{"cookie"}}, nil, true, true)
	f("all", Headers{Pass: Names{"all"}}, nil, true, true)
	f("dropped", Headers{Pass: Names{"all"}, Drop: []string{"COOKIE"}}, nil, false, false)
	f("set instead", Headers{Pass: Names{"all"}, Set: map[string]string{"cookie": "ours=1"}}, nil, false, false)
	f("overridden", Headers{Pass: Names{"all"}}, []string{"cookie"}, true, false)
}

func TestRemoveHopByHop(t *testing.T) {
	h := http.Header{
		"Connection": {"close, X-Named"}, "X-Named": {"1"}, "Keep-Alive": {"1"}, "Te": {"trailers"},
		"Transfer-Encoding": {"chunked"},
		"Set-Cookie":        {"a=1"}, "Etag": {`"x"`}, "upgrade": {"h2c"},
	}
	RemoveHopByHop(h)
	if want := (http.Header{"Set-Cookie": {"a=1"}, "Etag": {`"x"`}}); !reflect.DeepEqual(h, want) {
		t.Errorf("left %v; want %v", h, want)
	}
}

func TestRefusal(t *testing.T) {
	header := func(lines ...string) http.Header {
		h := make(http.Header)
		for i := 0; i < len(lines); i += 2 {
			h.Add(lines[i], lines[i+1])
		}
		return h
	}
	f := func(want, key string, a Answer, override ...string) {
		t.Helper()
		s := one(t, func(c *Config) { c.Store.Override, c.Store.MaxObject = override, 100 })
		if got := s.Decide(Request{Key: key}).Refusal(a); got != want {
			t.Errorf("%s, %+v, override %v: %q; want %q", key, a, override, got, want)
		}
	}
	whole := func(lines ...string) Answer { return Answer{Header: header(lines...), Length: 9, Proven: true} }
	f("", "a", Answer{Length: 100, Proven: true})
	f("", "a", Answer{Length: -1, Proven: true})
	f("", "a.jpg", whole("Cache-Control", "public, max-age=1, no-cache", "Content-Type", "image/jpeg"))
	f("", "a", whole("Cache-Control", "x=no-store"))
	f("", "a", whole("Vary", "accept-ENCODING, Origin", "Vary", ""))
	f("", "a", whole("Content-Type", "text/html"))
	f("", "a.html", whole("Content-Type", "text/html"))
	f("", "a.jpg/b", whole("Content-Type", "text/html"))
	f("", "a.css", whole("Content-Type", "text/htmlx"))

	f("no-store", "a", whole("Cache-Control", "max-age=1", "Cache-Control", "No-Store"))
	f("no-store", "a", whole("Cache-Control", "private, no-store"))
	f("private", "a", whole("Cache-Control", `private="Set-Cookie"`))
	f("private", "a", whole("Cache-Control", "private , max-age=3"))
	f("set-cookie", "a", whole("Set-Cookie", ""))
	f("cookie", "a", Answer{Length: 1, Proven: true, Cookie: true})
	f("vary", "a", whole("Vary", "*"))
	f("vary", "a", whole("Vary", "Origin", "Vary", "User-Agent"))
	for _, name := range []string{"a.JPG", "x/a.mp3", "a.webm", "a.woff2", "a.tar.gz", "a.css", "a.js"} {
		f("type", name, whole("Content-Type", "Text/HTML; charset=utf-8"))
	}
	f("empty", "a", Answer{Length: 0, Proven: true})
	f("unproven", "a", Answer{Length: -1})
	f("max_object", "a", Answer{Length: 101, Proven: true})

	f("", "a", whole("Cache-Control", "no-store"), "no-store")
	f("private", "a", whole("Cache-Control", "no-store, private"), "no-store")
	f("", "a.js", Answer{Header: header("Cache-Control", "no-store, private", "Set-Cookie", "a", "Vary", "*",
		"Content-Type",
		"text/html"), Proven: true, Cookie: true}, overridable()...)
	f("unproven", "a", Answer{}, overridable()...)
	f("max_object", "a", Answer{Length: 101, Proven: true}, overridable()...)
}

func TestNames(t *testing.T) {
	var n Names
	if err := n.UnmarshalText([]byte("all")); err != nil || !n.All() {
		t.Errorf("all: %v, %v", n, err)
	}
	for _, text := range []string{"", "All", "X-A", "all "} {
		if err := n.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if got := fmt.Sprint(Names{"all", "X-A"}.All()); got != "false" {
		t.Error("a list with the word all in it is all")
	}
}
