package buckettest

import (
	"errors"
	"strings"

	"mirrorgate/cache"
)

// ordinary keys are kept apart by every bucket.
var ordinary = []string{
	"a", "A", "aa", "b/c", "b/C", "B/c", "a+b c", "a b", "a%20b", "a%2Fb", "a%252Fb",
	"图片/é.png", "图片/e\u0301.png",
	"query?x=1&y=2", "hash#1", "semi;colon", "quote'\"", "star*", "pipe|", "tilde~", "dollar$", "at@", "eq=", "comma,",
	"colon:x", "less<more>", "brace{}", "square[]", "caret^", "grave`", "excl!", "paren()",
	"..a", "a..", "...", "d/...", "d/..a", ".hidden", "d/.hidden", "dot.", "space ", " space", "-", "_", "CON", "nul.txt",
	"mirrorgate/x", ".mirrorgatex/y", "d/.mirrorgate/x", "x.example/y",
	strings.Repeat("s", 255), strings.Repeat("0123456789abcde/", 63) + "0123456789abcdef",
}

func (s suite) ordinaryKeys() {
	for _, key := range ordinary {
		s.put(key, []byte("body of "+key))
	}
	for _, key := range ordinary {
		s.holds(key, []byte("body of "+key))
		s.isOneOf("second put of "+key, s.write(key, []byte("x"), ""), cache.ErrPrecondition)
	}
}

// form is a form of keys that some buckets do not keep apart from others.
type form struct {
	name  string
	keeps bool
	keys  []string
	near  []string // the keys that a bucket which cleans them might take them for; none lies in another
}

func forms(k Keeps) []form {
	long := strings.Repeat("l", 256)
	return []form{
		{"empty segments", k.EmptySegments, []string{"e//f", "e///f", "e//", "e////"}, []string{"e/f"}},
		{"dot segments", k.DotSegments,
			[]string{"d/./f", "d/../f", "d/x/../f", "./f", "../f", ".", "..", "../../f", "d/..", "d/."}, []string{"d/f", "f"}},
		{"leading slash", k.LeadingSlash, []string{"/x", "/y/z"}, []string{"x", "y/z"}},
		{"empty and dot segments", k.EmptySegments && k.DotSegments && k.LeadingSlash,
			[]string{"/", "//", "/..", "/../../etc/passwd", "//./", "m//../n"}, []string{"n", "etc/passwd", "m/n"}},
		{"trailing slash", k.TrailingSlash, []string{"t/", "u/v/"}, []string{"t", "u/v"}},
		{"long segments", k.LongSegments,
			[]string{long, "l/" + long, long + "/l", strings.Repeat("m", 1024), strings.Repeat("n", 1023), long + "x"},
			[]string{long[:255], "l/" + long[:255]}},
		{"bytes that are not UTF-8", k.InvalidUTF8, []string{"i\xff", "i\xfe", "i\xc3", "\x80/\x81", "i\xed\xa0\x80"},
			[]string{"i\ufffd", "i%FF", "i", "i?"}},
		{"control bytes", k.ControlBytes, []string{"c\n", "c\r\n", "c\x01", "c\x7f", "c\t", "c\x1b[2J"}, []string{"c", "c "}},
	}
}

// oddKeys shows that each form is kept apart from the keys near it, or that a write of it is refused; and that the keys
// near it are never touched.
func (s suite) oddKeys() {
	all := forms(s.keeps)
	for _, f := range all {
		for _, key := range f.near {
			s.put(key, []byte("near "+key))
		}
	}
	for _, f := range all {
		for _, key := range f.keys {
			s.odd(f, key)
		}
	}
	for _, f := range all {
		for _, key := range f.near {
			s.holds(key, []byte("near "+key))
		}
		for _, key := range f.keys {
			if f.keeps {
				s.holds(key, []byte("odd "+key))
			}
		}
	}
}

func (s suite) odd(f form, key string) {
	s.Helper()
	if f.keeps {
		s.openFails(key, cache.ReadOptions{}, cache.ErrNotFound)
		s.put(key, []byte("odd "+key))
		s.isOneOf("second put of "+key, s.write(key, []byte("x"), ""), cache.ErrPrecondition)
		return
	}
	s.openFails(key, cache.ReadOptions{}, cache.ErrKeyForm, cache.ErrNotFound)
	s.openFails(key, cache.ReadOptions{HeadersOnly: true}, cache.ErrKeyForm, cache.ErrNotFound)
	if s.write(key, []byte("odd "+key), "") == nil {
		s.Errorf("%s: put %.60q was not refused", f.name, key)
	}
}

func (s suite) folderAndFile() {
	for _, pair := range [][2]string{
		{"p", "p/q"}, {"r/s", "r"}, {"v", "v/w/x/y"}, {"z/1/2", "z"}, {"w/1/2/3", "w/1"},
	} {
		first, second := pair[0], pair[1]
		s.put(first, []byte("first "+first))
		s.openFails(second, cache.ReadOptions{}, cache.ErrNotFound, cache.ErrKeyForm)
		err := s.write(second, []byte("second "+second), "")
		switch {
		case err == nil:
			s.holds(second, []byte("second "+second))
			s.isOneOf("second put of "+second, s.write(second, []byte("x"), ""), cache.ErrPrecondition)
		case s.keeps.FolderAndFile:
			s.Errorf("put %q beside %q: %v", second, first, err)
		case errors.Is(err, cache.ErrPrecondition):
			s.Errorf("put %q beside %q says that the object is there already", second, first)
		}
		s.holds(first, []byte("first "+first))
	}
}

func (s suite) internalKeys() {
	for _, name := range []string{"", "x", "meta/x", "../x", "/x"} {
		key := cache.InternalPrefix + name
		s.openFails(key, cache.ReadOptions{}, cache.ErrNotFound)
		if s.write(key, []byte("x"), "") == nil {
			s.Errorf("put %q was not refused", key)
		}
		if s.write(key, []byte("x"), otherETag) == nil {
			s.Errorf("replacement of %q was not refused", key)
		}
	}
}

// ownKeys: what mirrorgate keeps for itself is written under the same conditions as any object, and is nobody else's.
func (s suite) ownKeys() {
	all, ok := s.bucket.(interface{ Own() cache.Bucket })
	if !ok {
		s.Fatalf("%T has no Own", s.bucket)
	}
	key, own := cache.InternalPrefix+"kept.json", suite{T: s.T, bucket: all.Own(), keeps: s.keeps}
	own.openFails(key, cache.ReadOptions{}, cache.ErrNotFound)
	own.isOneOf("replacement of nothing", own.write(key, []byte("x"), otherETag), cache.ErrPrecondition, cache.ErrNotFound)
	own.put(key, []byte("first"))
	own.isOneOf("second creation", own.write(key, []byte("x"), ""), cache.ErrPrecondition)
	first := own.etag(key)
	if err := own.write(key, []byte("second"), first); err != nil {
		s.Errorf("replacement: %v", err)
	}
	own.isOneOf("replacement of what is gone", own.write(key, []byte("x"), first), cache.ErrPrecondition)
	own.holds(key, []byte("second"))
	s.openFails(key, cache.ReadOptions{}, cache.ErrNotFound)

	s.put("kept.json", []byte("a client's"))
	own.openFails("kept.json", cache.ReadOptions{}, cache.ErrNotFound)
	if own.write("kept.json", []byte("x"), s.etag("kept.json")) == nil {
		s.Error("a key that is not mirrorgate's own was written")
	}
	s.holds("kept.json", []byte("a client's"))
}

// malformedKeys are never sent here; they must do no harm all the same.
func (s suite) malformedKeys() {
	s.put("a", []byte("a"))
	for _, key := range []string{"", "a\x00b", "\x00", strings.Repeat("k", 1025), "a/" + strings.Repeat("k/", 600)} {
		if obj, err := s.bucket.Open(s.Context(), key, cache.ReadOptions{}); err == nil {
			s.Errorf("open %.60q gave %+v", key, obj)
		}
		if s.write(key, []byte("x"), "") == nil {
			s.Errorf("put %.60q was not refused", key)
		}
	}
	s.holds("a", []byte("a"))
}
