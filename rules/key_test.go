package rules

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKey(t *testing.T) {
	keep := DefaultSetConfig()
	with := func(change func(*SetConfig)) SetConfig {
		c := DefaultSetConfig()
		change(&c)
		return c
	}
	lowered := with(func(c *SetConfig) { c.Key.Case = CaseLower })
	merged := with(func(c *SetConfig) { c.Key.MergeSlashes = true })
	escaping := with(func(c *SetConfig) { c.Key.BadUTF8 = BadUTF8Escape })
	both := with(func(c *SetConfig) { c.Key.BadUTF8, c.Key.Case = BadUTF8Escape, CaseLower })
	index := with(func(c *SetConfig) { c.Index = "index.html" })
	everything := with(func(c *SetConfig) {
		*c = SetConfig{Index: "index.html", Key: KeyConfig{CaseLower, true, BadUTF8Escape}}
	})

	f := func(c SetConfig, path, want string) {
		t.Helper()
		if got, err := Key(path, c); got != want || err != nil {
			t.Errorf("Key(%q, %+v) = %q, %v; want %q", path, c, got, err, want)
		}
	}
	f(keep, "/a", "a")
	f(keep, "/a%2Fb", "a/b")
	f(keep, "/a%252Fb", "a%2Fb")
	f(keep, "//x", "/x")
	f(keep, "/a//b", "a//b")
	f(keep, "/a/./b/../c", "a/./b/../c")
	f(keep, "/a/%2e%2E/b", "a/../b")
	f(keep, "/a+b%20c", "a+b c")
	f(keep, "/%E5%9B%BE%e7%89%87/%C3%A9.png", "图片/é.png")
	f(keep, "/图片", "图片")
	f(keep, "/a%3Fb%23c", "a?b#c")
	f(keep, "/a%0Ab", "a\nb")
	f(keep, "/%25E9", "%E9")
	f(keep, "/.mirrorgate", ".mirrorgate")
	f(keep, "/a/", "a/")
	f(keep, "/"+strings.Repeat("k", 1024), strings.Repeat("k", 1024))
	f(keep, "/"+strings.Repeat("%41", 1024), strings.Repeat("A", 1024))

	f(lowered, "/Images/ÉA.PNG", "images/éa.png")
	f(lowered, "/a%2FB", "a/b")
	f(merged, "//a//b///c/", "a/b/c/")
	f(merged, "/a/%2F/b", "a/b")
	f(merged, "/a/..//b", "a/../b")

	f(index, "/", "index.html")
	f(index, "/a/", "a/index.html")
	f(index, "/a", "a")
	f(index, "//", "/index.html")

	f(escaping, "/%E9", "%E9")
	f(escaping, "/%e9", "%E9")
	f(escaping, "/\xE9", "%E9")
	f(escaping, "/%25E9", "%25E9")
	f(escaping, "/%25e9", "%e9")
	f(escaping, "/%252F", "%2F")
	f(escaping, "/%2525", "%2525")
	f(escaping, "/%25%E9", "%%E9")
	f(escaping, "/100%25", "100%")
	f(escaping, "/%C3%A9", "é")
	f(escaping, "/%EF%BF%BD", "\uFFFD")
	f(both, "/A%E9%25E9", "a%E9%e9")
	f(both, "/%2580", "%2580")
	f(everything, "///A//%E9/", "a/%E9/index.html")
	f(everything, "/", "index.html")
}

func TestKeyErrors(t *testing.T) {
	keep := DefaultSetConfig()
	lowered, merged, index, escaping := keep, keep, keep, keep
	lowered.Key.Case = CaseLower
	merged.Key.MergeSlashes = true
	index.Index = "index.html"
	escaping.Key.BadUTF8 = BadUTF8Escape

	f := func(c SetConfig, path, code string) {
		t.Helper()
		key, err := Key(path, c)
		var bad *KeyError
		switch {
		case key != "":
			t.Errorf("Key(%q) = %q with %v", path, key, err)
		case code == "" && !errors.Is(err, ErrNoKey):
			t.Errorf("Key(%q): %v; want ErrNoKey", path, err)
		case code != "" && (!errors.As(err, &bad) || bad.Code != code):
			t.Errorf("Key(%q): %v; want %s", path, err, code)
		}
	}
	f(keep, "", CodeInvalidURI)
	f(keep, "a", CodeInvalidURI)
	f(keep, "*", CodeInvalidURI)
	f(keep, "http://host/a", CodeInvalidURI)
	f(keep, "/%", CodeInvalidURI)
	f(keep, "/%4", CodeInvalidURI)
	f(keep, "/a%zz", CodeInvalidURI)
	f(keep, "/a%4z", CodeInvalidURI)
	f(keep, "/a%00", CodeInvalidURI)
	f(escaping, "/a%00", CodeInvalidURI)
	f(escaping, "/a%u002e", CodeInvalidURI)
	f(keep, "/%E9", CodeInvalidURI)
	f(keep, "/%C0%AE", CodeInvalidURI)
	f(keep, "/%ED%A0%80", CodeInvalidURI)
	f(keep, "/"+strings.Repeat("k", 1025), CodeKeyTooLong)
	f(index, "/"+strings.Repeat("k", 1020)+"/", CodeKeyTooLong)
	f(escaping, "/"+strings.Repeat("%E9", 342), CodeKeyTooLong)

	f(keep, "/", "")
	f(merged, "///", "")
	f(keep, "/.mirrorgate/", "")
	f(keep, "/.mirrorgate/probe/x", "")
	f(keep, "/%2Emirrorgate%2Fx", "")
	f(lowered, "/.MIRRORGATE/x", "")
	f(lowered, "/.m\u0130rrorgate/x", "") // a letter that is an i in lower case
	f(merged, "//.mirrorgate//x", "")
	f(index, "/.mirrorgate/", "")
}

func TestKeyDoesNotAllocate(t *testing.T) {
	c := DefaultSetConfig()
	strict := SetConfig{Index: "index.html", Key: KeyConfig{CaseLower, true, BadUTF8Escape}}
	path := "/images/2024/10/图片-of-a-cat.jpg"
	for _, c := range []SetConfig{c, strict} {
		if n := testing.AllocsPerRun(100, func() { _, _ = Key(path, c) }); n != 0 {
			t.Errorf("%+v: %v allocations", c, n)
		}
	}
}

// fuzzConfig makes a site's key configuration of the bits of a number.
func fuzzConfig(bits uint8) SetConfig {
	c := DefaultSetConfig()
	if bits&1 != 0 {
		c.Key.Case = CaseLower
	}
	c.Key.MergeSlashes = bits&2 != 0
	if bits&4 != 0 {
		c.Key.BadUTF8 = BadUTF8Escape
	}
	if bits&8 != 0 {
		c.Index = "index.html"
	}
	return c
}

func FuzzKey(f *testing.F) {
	for bits := range uint8(16) {
		f.Add("/a%2Fb//%E9%25E9/../Ä/", bits)
	}
	f.Add("/%", uint8(0))
	f.Add("/.mirrorgate/x", uint8(3))
	f.Add("/%25%32%35%C3%A9%c3", uint8(4))
	f.Fuzz(func(t *testing.T, path string, bits uint8) {
		c := fuzzConfig(bits)
		key, err := Key(path, c)
		if err != nil {
			if key != "" {
				t.Fatalf("a key %q beside %v", key, err)
			}
			return
		}
		switch {
		case key == "" || len(key) > maxKey:
			t.Fatalf("length %d", len(key))
		case strings.Contains(key, "\x00"):
			t.Fatal("NUL in a key")
		case !utf8.ValidString(key):
			t.Fatalf("%q is not UTF-8", key)
		case strings.HasPrefix(key, reservedPrefix):
			t.Fatalf("%q is mirrorgate's own", key)
		case c.Key.MergeSlashes && (strings.Contains(key, "//") || key[0] == '/'):
			t.Fatalf("%q has slashes to merge", key)
		case c.Key.Case == CaseLower && c.textProblem(key) != "":
			t.Fatalf("%q: %s", key, c.textProblem(key))
		case c.Index != "" && key[len(key)-1] == '/':
			t.Fatalf("%q lacks the index", key)
		}
		checkKeyAgainstPath(t, path, key, c)
	})
}

// checkKeyAgainstPath compares a key with the path decoded by itself: no dot segment is invented, and without changes
// that lose something the path comes back.
func checkKeyAgainstPath(t *testing.T, path, key string, c SetConfig) {
	t.Helper()
	decoded, ok := percentDecode(path[1:])
	if !ok {
		t.Fatal("a key of a path that cannot be decoded")
	}
	if dotSegment(key) && !dotSegment(decoded) {
		t.Fatalf("%q has a dot segment that %q has not", key, decoded)
	}
	back := key
	if c.escapes() {
		back = unescape(key)
		if escape(back) != key {
			t.Fatalf("%q escaped again is %q", back, escape(back))
		}
	}
	if c.Key.Case == CaseKeep && !c.Key.MergeSlashes && strings.TrimSuffix(back,
		c.Index) != strings.TrimSuffix(decoded, c.Index) {
		t.Fatalf("%q comes back as %q", decoded, back)
	}
	again, err := Key("/"+encode(back, isUnreserved), c)
	if err != nil || again != key {
		t.Fatalf("the key %q of its own path is %q, %v", key, again, err)
	}
}
