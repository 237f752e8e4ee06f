package cache_test

import (
	"encoding/base64"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

// hostile are values that buckets fold, refuse or misread, and that must come back as they were.
func hostile() []string {
	return []string{
		"plain", "a b", "Übung.jpg", "图片", "a  b", "a   b  c", " lead", "trail ", "\ttab", "tab\t", "a\tb", " ", "\t", "latin-1 \xe9\xff\x80",
		"b64:", "b64:YWJj", "b64:%%%", "b64:YQ==", "=?UTF-8?B?4pyT?=", `"quoted \" 'x'"`, "a,b;c=d", "%E9", "\u00a0", "\u2028", "-1", "no-cache ",
	}
}

func provenance() cache.Provenance {
	return cache.Provenance{
		Validators: cache.Validators{ETag: `"v1"`, LastModified: time.Unix(1_600_000_000, 0).UTC()},
		Lifetime:   time.Hour, Target: "primary", Path: "old/a.jpg", Rule: "images",
		Time: time.Unix(1_700_000_000, 0).UTC(), Size: 5, MD5: "5d41402abc4b2a76b9719d911017c592",
	}
}

// holdsRaw tells what every bucket gives back as it is.
func holdsRaw(v string) bool {
	outside := func(c rune) bool { return c < ' ' || c > '~' }
	return !strings.ContainsFunc(v, outside) && strings.Trim(v, " ") == v && !strings.Contains(v, "  ")
}

// checkStored fails when a bucket could not keep s as it is.
func checkStored(t *testing.T, s cache.Stored) {
	t.Helper()
	values := map[string]string{
		"type": s.ContentType, "encoding": s.ContentEncoding, "disposition": s.ContentDisposition,
		"control": s.CacheControl, "expires": s.Expires, "language": s.ContentLanguage,
	}
	maps.Copy(values, s.User)
	for name, v := range values {
		if !holdsRaw(v) {
			t.Errorf("%s: a bucket may not hold %q", name, v)
		}
	}
	if n := userSize(s); n > cache.MaxUserMetadata {
		t.Errorf("%d bytes of user metadata", n)
	}
}

func userSize(s cache.Stored) (n int) {
	for name, v := range s.User {
		n += len("x-amz-meta-") + len(name) + len(v)
	}
	return n
}

func checkRoundTrip(t *testing.T, m cache.Meta) {
	t.Helper()
	s, dropped := cache.EncodeMeta(m)
	checkStored(t, s)
	if got := s.Meta(); dropped != 0 || !reflect.DeepEqual(got, m) {
		t.Errorf("%d left out, got\n%+v, want\n%+v", dropped, got, m)
	}
	if got, dropped := m.Trimmed(); dropped != 0 || !reflect.DeepEqual(got, m) {
		t.Errorf("trimmed: %d left out, got\n%+v, want\n%+v", dropped, got, m)
	}
}

func TestStoredRoundTrip(t *testing.T) {
	for _, v := range hostile() {
		t.Run(strconv.Quote(v), func(t *testing.T) {
			checkRoundTrip(t, cache.Meta{
				Size: 5, ContentType: v, ContentEncoding: v, ContentDisposition: v, CacheControl: v, Expires: v, ContentLanguage: v,
				AllowOrigin: v, User: map[string]string{"name": v, "u-name": v},
				Replay: []cache.Field{{Name: "surrogate-key", Value: v}, {Name: "x-robots-tag", Value: "noindex"}},
				Bucket: cache.Validators{ETag: `"5d41402abc4b2a76b9719d911017c592"`, LastModified: time.Unix(1_650_000_000, 0).UTC()},
				Origin: provenance(),
			})
			p := provenance()
			p.ETag, p.Target, p.Path, p.Rule = v, v, v, v
			checkRoundTrip(t, cache.Meta{Size: 5, Origin: p})
		})
	}
	checkRoundTrip(t, cache.Meta{})
	checkRoundTrip(t, cache.Meta{Size: 1 << 62, ContentType: "image/jpeg"})
}

func TestStoredProvenanceRoundTrip(t *testing.T) {
	f := func(change func(*cache.Provenance)) {
		t.Helper()
		p := provenance()
		change(&p)
		checkRoundTrip(t, cache.Meta{Size: p.Size, Origin: p})
	}
	for _, lifetime := range []time.Duration{-1, 0, time.Second, time.Hour, 68 * 365 * 24 * time.Hour, 200 * 365 * 24 * time.Hour} {
		f(func(p *cache.Provenance) { p.Lifetime = lifetime })
		f(func(p *cache.Provenance) { p.Lifetime, p.NoCache = lifetime, true })
	}
	f(func(p *cache.Provenance) { p.Validators = cache.Validators{} })
	f(func(p *cache.Provenance) { p.ETag = `W/"weak"` })
	f(func(p *cache.Provenance) { p.LastModified = time.Unix(1, 0).UTC() })
	f(func(p *cache.Provenance) { p.Target, p.Path, p.Rule = "", "", "" })
	f(func(p *cache.Provenance) { p.Size, p.MD5 = 0, "d41d8cd98f00b204e9800998ecf8427e" })
	f(func(p *cache.Provenance) { p.Size = 1<<63 - 1 })
}

func encode64(v string) string { return "b64:" + base64.RawURLEncoding.EncodeToString([]byte(v)) }

// Whoever can write into the bucket could put lines of his own into answers.
func TestStoredRefusesLineBreaks(t *testing.T) {
	for _, v := range []string{
		"x\r\nSet-Cookie: a=b", "x\n", "\r", "x\x00", "\x7f", "\x1b[31m", encode64("x\r\nSet-Cookie: a=b"), encode64("\x00"),
	} {
		s := cache.Stored{
			Size: 5, ContentType: v, ContentEncoding: v, ContentDisposition: v, CacheControl: v, Expires: v, ContentLanguage: v,
			User: map[string]string{"name": v, "mg-u-name2": v, "mg-r-surrogate-key": v, "mg-allow-origin": v},
		}
		checkSafe(t, s.Meta())
		s.User = map[string]string{}
		for _, name := range []string{"type", "encoding", "disposition", "language"} {
			s.User["mg-h-content-"+name] = v
		}
		s.User["mg-h-cache-control"], s.User["mg-h-expires"] = v, v
		checkSafe(t, s.Meta())
		s, _ = cache.EncodeMeta(cache.Meta{Size: 5, Origin: provenance()})
		for _, name := range []string{"mg-etag", "mg-path", "mg-rule", "mg-target", "mg-lifetime"} {
			s.User[name] = v
		}
		checkSafe(t, s.Meta())
		if strings.HasPrefix(v, "b64:") {
			continue
		}
		shown, _ := cache.Meta{Size: 5, ContentType: v, User: map[string]string{"a": v}, AllowOrigin: v}.Trimmed()
		checkSafe(t, shown)
	}
}

// checkSafe fails when m holds what no header may hold, or what is nobody's business.
func checkSafe(t *testing.T, m cache.Meta) {
	t.Helper()
	values := []string{
		m.ContentType, m.ContentEncoding, m.ContentDisposition, m.CacheControl, m.Expires, m.ContentLanguage, m.AllowOrigin,
		m.Origin.ETag, m.Origin.Path, m.Origin.Rule, m.Origin.Target,
	}
	for name, v := range m.User {
		if values = append(values, v); !token(name) || strings.HasPrefix(name, "mg-") {
			t.Errorf("user metadata %q would be shown", name)
		}
	}
	for _, f := range m.Replay {
		if values = append(values, f.Value); !cache.Replayable(f.Name) || !token(f.Name) {
			t.Errorf("header %q would be shown", f.Name)
		}
	}
	for _, v := range values {
		if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			t.Errorf("value %q would be shown", v)
		}
	}
}

func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.!#$%&'*+^`|~", c)
	})
}

func TestStoredReplaysNothingForeign(t *testing.T) {
	user := map[string]string{"mg-": "x", "mg-u-": "x", "mg-u-mg-etag": "x", "mg-unknown": "x", "": "x", "a b": "x", "a\r\nb": "x", "ü": "x"}
	for _, name := range []string{
		"set-cookie", "set-cookie2", "content-length", "transfer-encoding", "connection", "location", "etag", "last-modified", "date",
		"age", "via", "server", "vary", "status", "host", "www-authenticate", "cache-status", "cdn-loop", "x-amz-request-id",
		"x-amz-meta-a", "mg-etag", "content-type", "cache-control", "access-control-allow-origin", "content-range", "accept-ranges",
		"trailer", "upgrade", "x-request-id", "", "a b", "a:b", "a\r\nb", "ü", "X-Upper", "retry-after", "authorization", "cookie",
	} {
		user["mg-r-"+name] = "foreign"
	}
	m := cache.Stored{Size: 5, User: user}.Meta()
	if m.User != nil || m.Replay != nil || m.Origin.Believed() {
		t.Errorf("got %+v", m)
	}
}

// Neither user metadata of a signed origin nor a rule's header can pass for provenance.
func TestEncodeMetaKeepsItsOwnNames(t *testing.T) {
	m := cache.Meta{Size: 5, Origin: provenance(), User: map[string]string{
		"mg-etag": `"forged"`, "mg-proof": "5 ", "mg-time": "1", "mg-r-set-cookie": "a=b", "mg-u-x": "x", "colour": "red",
	}}
	s, _ := cache.EncodeMeta(m)
	got := s.Meta()
	if got.Origin != m.Origin || len(got.User) != 1 || got.User["colour"] != "red" || got.Replay != nil {
		t.Errorf("got %+v", got)
	}
	m.Origin = cache.Provenance{}
	s, _ = cache.EncodeMeta(m)
	if got := s.Meta(); got.Origin.Believed() {
		t.Errorf("forged provenance is believed: %+v", got.Origin)
	}
}

func TestProvenanceIsBelieved(t *testing.T) {
	const md5 = "5d41402abc4b2a76b9719d911017c592"
	f := func(want bool, change func(*cache.Stored)) {
		t.Helper()
		s, _ := cache.EncodeMeta(cache.Meta{Size: 5, Origin: provenance()})
		s.ETag = `"` + md5 + `"`
		change(&s)
		got := s.Meta().Origin
		if got.Believed() != want {
			t.Errorf("%+v: got %+v", s, got)
		}
		if !want && got != (cache.Provenance{}) {
			t.Errorf("%+v: something is believed: %+v", s, got)
		}
	}
	tag := func(v string) func(*cache.Stored) { return func(s *cache.Stored) { s.ETag = v } }
	set := func(name, v string) func(*cache.Stored) { return func(s *cache.Stored) { s.User[name] = v } }
	f(true, func(*cache.Stored) {})
	f(true, tag(strings.ToUpper(`"`+md5+`"`)))
	f(true, tag(md5)) // without quotes, as some servers say it
	f(false, tag(`"d41d8cd98f00b204e9800998ecf8427e"`))
	f(false, tag(`D41D8CD98F00B204E9800998ECF8427E`))
	f(false, tag(`W/"d41d8cd98f00b204e9800998ecf8427e"`))
	f(true, tag(`"d41d8cd98f00b204e9800998ecf8427e-3"`)) // of a multipart upload: no MD5, the size has to do
	f(true, tag(`W/"`+md5+`"`))
	f(true, tag(`"5-1733"`))
	f(true, tag(""))
	f(false, func(s *cache.Stored) { s.Size = 4 })
	f(false, func(s *cache.Stored) { s.Size = 0 })
	f(false, func(s *cache.Stored) { s.Size, s.ETag = 6, `"x-2"` })
	f(false, func(s *cache.Stored) { delete(s.User, "mg-proof") })
	f(false, func(s *cache.Stored) { delete(s.User, "mg-time") })
	f(false, set("mg-proof", ""))
	f(false, set("mg-proof", md5))
	f(false, set("mg-proof", "4 "+md5))
	f(false, set("mg-proof", "5 d41d8cd98f00b204e9800998ecf8427e"))
	f(false, set("mg-proof", "99999999999999999999 "+md5))
	f(false, set("mg-proof", "5 "+md5+" x"))
	f(false, set("mg-time", "0"))
	f(false, set("mg-time", "-1"))
	f(false, set("mg-time", "yesterday"))
	f(true, set("mg-lifetime", "nonsense"))
	f(true, set("mg-modified", "nonsense"))
}

func TestProvenanceDetailsOfNonsense(t *testing.T) {
	s, _ := cache.EncodeMeta(cache.Meta{Size: 5, Origin: provenance()})
	for _, v := range []string{"nonsense", "-5", "1.5", "99999999999999999999", "9223372036854775807"} {
		s.User["mg-lifetime"] = v
		if got := s.Meta().Origin; got.Lifetime != -1 || got.NoCache {
			t.Errorf("lifetime %q: got %v, %v", v, got.Lifetime, got.NoCache)
		}
	}
	s.User["mg-modified"] = "nonsense"
	if got := s.Meta().Origin.LastModified; !got.IsZero() {
		t.Errorf("got %v", got)
	}
}

// The limit is exact: a value that just fits stays, and one byte more is left out.
func TestTrimmedLimit(t *testing.T) {
	f := func(m cache.Meta, value *string) {
		t.Helper()
		for {
			longer := m
			*value += "x"
			if m.User != nil {
				longer.User = map[string]string{"a": *value}
			} else {
				longer.AllowOrigin = *value
			}
			s, dropped := cache.EncodeMeta(longer)
			checkStored(t, s)
			if dropped > 0 {
				if len(s.User) != 0 || len(*value) == 1 {
					t.Errorf("left out %d at %d bytes, kept %v", dropped, len(*value), s.User)
				}
				return
			}
			if len(*value) > cache.MaxUserMetadata {
				t.Fatal("nothing is left out")
			}
		}
	}
	var user, allow string
	f(cache.Meta{User: map[string]string{}}, &user)
	if want := cache.MaxUserMetadata - len("x-amz-meta-a") + 1; len(user) != want {
		t.Errorf("left out from %d bytes on, want %d", len(user), want)
	}
	f(cache.Meta{}, &allow)
	if want := cache.MaxUserMetadata - len("x-amz-meta-mg-allow-origin") + 1; len(allow) != want {
		t.Errorf("left out from %d bytes on, want %d", len(allow), want)
	}
}

// crowded has something of everything that is kept as user metadata. Its ETag has n bytes.
func crowded(n int) cache.Meta {
	p := provenance()
	p.ETag = `"` + strings.Repeat("e", n-2) + `"`
	return cache.Meta{
		Size: 5, ContentType: "text/plain; x=é", AllowOrigin: "*", Origin: p,
		User:   map[string]string{"a": strings.Repeat("u", 100), "b": "ü"},
		Replay: []cache.Field{{Name: "cache-tag", Value: strings.Repeat("r", 100)}, {Name: "x-robots-tag", Value: "noindex"}},
	}
}

// lacks lists what a copy of crowded lacks.
func lacks(m cache.Meta) (names []string) {
	add := func(name string, is bool) {
		if !is {
			names = append(names, name)
		}
	}
	add("path", m.Origin.Path != "")
	add("replay 2", len(m.Replay) == 2)
	add("replay 1", len(m.Replay) >= 1)
	add("user 2", len(m.User) == 2)
	add("user 1", len(m.User) >= 1)
	add("target", m.Origin.Target != "")
	add("rule", m.Origin.Rule != "")
	add("lifetime", m.Origin.Lifetime != -1)
	add("type", m.ContentType != "")
	add("allow", m.AllowOrigin != "")
	add("etag", m.Origin.ETag != "")
	add("modified", !m.Origin.LastModified.IsZero())
	add("provenance", m.Origin.Believed())
	return names
}

// As the ETag takes more and more of the room, all else is left out in the order of the design, then the ETag; the
// proof, and what it makes believable, stays.
func TestTrimmedOrder(t *testing.T) {
	order := []string{
		"path", "replay 2", "replay 1", "user 2", "user 1", "target", "rule", "lifetime", "type", "allow", "etag",
	}
	most := 0
	for n := 2; n < cache.MaxUserMetadata+100; n++ {
		s, dropped := cache.EncodeMeta(crowded(n))
		if size := userSize(s); size > cache.MaxUserMetadata {
			t.Fatalf("ETag of %d bytes: %d bytes of user metadata", n, size)
		}
		got := lacks(s.Meta())
		slices.SortFunc(got, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
		if len(got) != dropped || dropped < most || dropped > len(order) || !slices.Equal(got, order[:dropped]) {
			t.Fatalf("ETag of %d bytes: %d left out, lacks %v", n, dropped, got)
		}
		most = dropped
	}
	if most != len(order) {
		t.Errorf("at last only %d are left out", most)
	}
}

// visible is what of m an answer shows, and what decides on it later.
func visible(m cache.Meta) cache.Meta {
	m.Size, m.Bucket, m.Origin.Size, m.Origin.MD5 = 0, cache.Validators{}, 0, ""
	return m
}

// What a miss shows is decided before the size and the MD5 are known, and is what every later hit shows.
func TestTrimmedIsWhatAHitShows(t *testing.T) {
	for n := 2; n < cache.MaxUserMetadata+100; n++ {
		arriving := crowded(n)
		arriving.Size, arriving.Origin.Size, arriving.Origin.MD5 = -1, -1, ""
		shown, dropped := arriving.Trimmed()
		committed := shown
		committed.Size, committed.Origin.Size, committed.Origin.MD5 = 1<<60, 1<<60, "5d41402abc4b2a76b9719d911017c592"
		s, again := cache.EncodeMeta(committed)
		s.ETag = `"5d41402abc4b2a76b9719d911017c592"`
		if hit := s.Meta(); again != 0 || !reflect.DeepEqual(visible(hit), visible(shown)) {
			t.Fatalf("ETag of %d bytes: %d, then %d left out, the miss shows\n%+v, a hit\n%+v", n, dropped, again, shown, hit)
		}
		known := crowded(n)
		if direct, d := known.Trimmed(); d != dropped || !reflect.DeepEqual(visible(direct), visible(shown)) {
			t.Fatalf("ETag of %d bytes: what is left out depends on the proof: %+v, %+v", n, direct, shown)
		}
	}
}

func TestTrimmedKeepsItsProof(t *testing.T) {
	m := crowded(1900)
	m.Bucket = cache.Validators{ETag: `"of another copy"`}
	got, dropped := m.Trimmed()
	if dropped == 0 || got.Size != m.Size || got.Bucket != m.Bucket || got.Origin.MD5 != m.Origin.MD5 || got.Origin.Size != 5 {
		t.Errorf("%d left out, got %+v", dropped, got)
	}
}

func FuzzStored(f *testing.F) {
	for _, v := range hostile() {
		f.Add(v, "surrogate-key", v, v, int64(5), int64(3600))
	}
	f.Add("x\r\nSet-Cookie: a", "set-cookie", "a=b", `"e"`, int64(0), int64(-1))
	f.Add(strings.Repeat("é", 600), "mg-etag", strings.Repeat("x", 900), `W/"5d41402abc4b2a76b9719d911017c592"`, int64(-1), int64(0))
	f.Fuzz(func(t *testing.T, header, name, value, tag string, size, lifetime int64) {
		m := cache.Meta{
			Size: size, ContentType: header, ContentDisposition: value, CacheControl: header + value, AllowOrigin: value,
			User: map[string]string{name: value, "a": header}, Replay: []cache.Field{{Name: name, Value: header}},
			Bucket: cache.Validators{ETag: tag}, Origin: provenance(),
		}
		m.Origin.Size, m.Origin.ETag, m.Origin.Path, m.Origin.Lifetime = size, tag, value, time.Duration(lifetime)*time.Second
		s, _ := cache.EncodeMeta(m)
		checkStored(t, s)
		got := s.Meta()
		checkSafe(t, got)
		if again, dropped := cache.EncodeMeta(got); dropped != 0 || !reflect.DeepEqual(again.Meta(), got) {
			t.Errorf("a second time it is\n%+v, not\n%+v", again.Meta(), got)
		}
		shown, _ := m.Trimmed()
		s.ETag = ""
		if got := s.Meta(); !reflect.DeepEqual(visible(got), visible(shown)) {
			t.Errorf("the miss shows\n%+v, a hit\n%+v", visible(shown), visible(got))
		}
		checkSafe(t, cache.Stored{
			Size: size, ContentType: header, Expires: value, Validators: cache.Validators{ETag: tag},
			User: map[string]string{
				name: value, "mg-" + name: value, "mg-r-" + name: header, "mg-u-" + name: header, "mg-h-expires": header,
				"mg-time": "1", "mg-proof": strconv.FormatInt(size, 10) + " " + value, "mg-etag": tag, "mg-lifetime": header,
			},
		}.Meta())
	})
}
