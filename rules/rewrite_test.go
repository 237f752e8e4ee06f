package rules

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestRewritePath(t *testing.T) {
	f := func(w Rewrite, prefix, key, want string) {
		t.Helper()
		if got := w.Path(prefix, key); got != want {
			t.Errorf("%+v of %q after %q = %q; want %q", w, key, prefix, got, want)
		}
	}
	f(Rewrite{Replace: "b"}, "a/", "a/x", "bx")
	f(Rewrite{Replace: "b/"}, "a/", "a/x", "b/x")
	f(Rewrite{Crop: true}, "a/", "a/x", "x")
	f(Rewrite{Crop: true}, "a/", "a///x", "/x")
	f(Rewrite{Crop: true, Suffix: ".doc"}, "abc", "abc", ".doc")
	f(Rewrite{Crop: true, Prefix: "p"}, "abc", "abc", "p/")
	f(Rewrite{Replace: "v1.2", Suffix: ".gz"}, "abc", "abcname", "v1.gz")
	f(Rewrite{Prefix: "p//"}, "", "///x", "p/x")
	f(Rewrite{Prefix: "//p"}, "", "x", "/p/x")
	f(Rewrite{Fixed: "/"}, "", "x", "")
	f(Rewrite{Suffix: "/index.html"}, "", "a", "a/index.html")
}

func TestRefused(t *testing.T) {
	old, bucket := Target{}, Target{Signed: true}
	f := func(target Target, path string, want bool) {
		t.Helper()
		if got := target.refuses(path); got != want {
			t.Errorf("signed %v, path %q: refused %v", target.Signed, path, got)
		}
	}
	for _, path := range []string{
		"..", ".", "a/..", "../a", "a/.", "a/../b", "a/%2e%2E/b", "a/%2e/b", "a/.%2e", "..%2Fa", "a%2F..", "a\\b",
		"a%5Cb", "..;/a", "a/..;x=1/b", "%2e%2e%3Bx/b", "\xC0\xAE\xC0\xAE/a", "..\xC0\xAFa", "a/%C0%AE%C0%AE/b",
	} {
		f(old, path, true)
		f(bucket, path, false)
	}
	for _, path := range []string{"a", "a//b", "...", "a/...", ".a", "a..", "..a/b", "a/.b", "%2", "%", "a%2Fb",
		"100%25", "a;b"} {
		f(old, path, false)
		f(bucket, path, false)
	}
	for _, path := range []string{"", "/", "//"} {
		f(old, path, false)
		f(bucket, path, true)
	}
}

func TestKeyPrefixOfASignedTarget(t *testing.T) {
	c := mirror("r", Match{Prefix: "abc"})
	c.Rewrite.Crop = true
	c.Targets = []Target{{Role: RolePrimary, Base: "https://s3.example/b", KeyPrefix: "site a/", Signed: true}}
	s := NewSet(DefaultSetConfig(), []Config{c}, Identity{})
	plan, err := s.Decide(Request{Key: "abc/x@1"}).Plan(nil)
	if want := "https://s3.example/b/site%20a/x%401"; err != nil || plan.Location() != want {
		t.Errorf("asked %q, %v; want %q", plan.Location(), err, want)
	}
	if _, err := s.Decide(Request{Key: "abc"}).Plan(nil); !errors.Is(err, ErrRefused) {
		t.Errorf("an empty key under a prefix: %v", err)
	}
}

// TestEscapedBytesOnTheWire shows that with bad_utf8: escape an origin is asked for the bytes that the client sent.
func TestEscapedBytesOnTheWire(t *testing.T) {
	c := DefaultSetConfig()
	c.Key.BadUTF8 = BadUTF8Escape
	plain := mirror("plain", Match{})
	cropped := mirror("cropped", Match{Prefix: "crop"})
	cropped.Rewrite.Crop = true
	replaced := mirror("replaced", Match{Prefix: "old"})
	replaced.Rewrite.Replace = "%E9" // configured text is plain
	s := NewSet(c, []Config{cropped, replaced, plain}, Identity{})

	f := func(request, want string) {
		t.Helper()
		key, err := Key(request, c)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := s.Decide(Request{Key: key}).Plan(nil)
		if got := strings.TrimPrefix(plan.Location(), "http://www.myweb.com"); err != nil || got != want {
			t.Errorf("%s asks %q, %v; want %q", request, got, err, want)
		}
	}
	f("/caf%E9.png", "/caf%E9.png")
	f("/caf%e9.png", "/caf%E9.png")
	f("/caf%25E9.png", "/caf%25E9.png")
	f("/caf%25e9.png", "/caf%25e9.png")
	f("/100%25", "/100%25")
	f("/100%2525", "/100%2525")
	f("/%C3%A9%C3", "/%C3%A9%C3")
	f("/crop/%E9", "/%E9")
	f("/old/%E9", "/%25E9/%E9")

	key, _ := Key("/a/%C0%AE%C0%AE/b", c)
	if _, err := s.Decide(Request{Key: key}).Plan(nil); !errors.Is(err, ErrRefused) {
		t.Errorf("overlong dots: %v", err)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add("abc/x.png", "abc", "r/s", "/p/", ".gz", true, false, false)
	f.Add("a/../b", "", "", "", "", false, true, false)
	f.Add("a/%2e%2e\\", "a", "..", "", "", false, false, true)
	f.Add("a%E9%25E9/..;", "a%", "", "", "", true, true, true)
	f.Fuzz(func(t *testing.T, key, prefix, replace, before, suffix string, crop, signed, escapes bool) {
		w := Rewrite{Crop: crop, Replace: replace, Prefix: before, Suffix: suffix}
		if !strings.HasPrefix(key, prefix) {
			return
		}
		path := w.path(prefix, key, escapes)
		target := Target{Role: RolePrimary, Base: "http://o.example/base", Signed: signed}
		if target.refuses(path) {
			return
		}
		asked, err := url.Parse(target.url(path))
		if err != nil {
			t.Fatal(err)
		}
		if asked.Host != "o.example" || asked.RawQuery != "" || asked.Fragment != "" || asked.User != nil {
			t.Fatalf("path %q leads to %q", path, asked)
		}
		if asked.Path != "/base/"+path {
			t.Fatalf("path %q arrives as %q", path, asked.Path)
		}
		if clean := asked.JoinPath().Path; !signed && !strings.HasPrefix(clean, "/base") {
			t.Fatalf("path %q walks to %q", path, clean)
		}
	})
}
