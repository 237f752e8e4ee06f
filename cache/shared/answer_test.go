package shared

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

func testMeta(size int64) cache.Meta {
	m := cache.Meta{
		Size: size, ContentType: "text/plain", ContentDisposition: "attachment; filename=\"\xe4<&>\"", CacheControl: "max-age=60",
		User: map[string]string{"a": "b", "c": "\xff  d"}, Replay: []cache.Field{{Name: "cache-tag", Value: "x y"}},
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m.Origin = cache.Provenance{Lifetime: time.Minute, Target: "backup", Path: "/p", Rule: "r", Time: at, Size: size}
	m.Origin.ETag, m.Origin.LastModified = "\"t\xe4g\"", at.Add(-time.Hour)
	return m
}

// What clients are told of an object is the same at every gateway, also where it is no UTF-8.
func TestAnswersArrive(t *testing.T) {
	fleet := fleetWith(t, testSecret, quiet())
	f := func(from int64, a cache.PeerAnswer) {
		t.Helper()
		ask := testAsk()
		ask.From = from
		got, err := fleet.proofs.unseal(ask, headersOf(fleet.Seal(ask, &a)).field)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, a)
		}
	}
	f(0, cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(10), Length: 10, Target: "backup", Kept: true})
	f(4, cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(10), Length: 6})
	f(10, cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(10)})
	f(4, cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(-1), Length: -1})
	f(0, cache.PeerAnswer{Outcome: cache.PeerHas, Meta: cache.Meta{ContentType: "a/b"}})
	f(0, cache.PeerAnswer{Outcome: cache.PeerLacks})
	f(0, cache.PeerAnswer{Outcome: cache.PeerAlone})
	ended := cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(10), Length: 10} // whose length was not known before
	ended.Meta.Origin.Size, ended.Meta.Origin.MD5 = -1, "d41d8cd98f00b204e9800998ecf8427e"
	raw, err := say(&ended)
	whole := cache.PeerAsk{ID: testID(), Nonce: newNonce()}
	got, err2 := fleet.proofs.unseal(whole, headersOf(fleet.proofs.seal(whole, raw)).field)
	if err := errors.Join(err, err2); err != nil || got.Meta.Origin.ETag != ended.Meta.Origin.ETag {
		t.Errorf("got %+v, %v", got, err)
	}
	fault := &cache.PeerError{Status: 503, Code: "SlowDown", Message: "later", RetryAfter: time.Second}
	f(0, cache.PeerAnswer{Outcome: cache.PeerFailed, Fault: fault})
}

// An answer to one ask is none to another.
func TestAnswersAreToOneAsk(t *testing.T) {
	p := newProofs(testSecret)
	ask := testAsk()
	raw, err := say(&cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(-1), Length: -1})
	if err != nil {
		t.Fatal(err)
	}
	f := func(what string, want error, change func(*cache.PeerAsk, headers)) {
		t.Helper()
		h, asked := headersOf(p.seal(ask, raw)), ask
		change(&asked, h)
		if a, err := p.unseal(asked, h.field); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
	}
	f("the same", nil, func(*cache.PeerAsk, headers) {})
	f("another nonce", errUnproven, func(a *cache.PeerAsk, _ headers) { a.Nonce = newNonce() })
	f("another site", errUnproven, func(a *cache.PeerAsk, _ headers) { a.Site = "other" })
	f("another key", errUnproven, func(a *cache.PeerAsk, _ headers) { a.Key += "x" })
	f("another start", errUnproven, func(a *cache.PeerAsk, _ headers) { a.From++ })
	f("another version", errUnproven, func(a *cache.PeerAsk, _ headers) { a.Match = "" })
	f("another answer", errUnproven, func(_ *cache.PeerAsk, h headers) {
		h[fieldAnswer] = encode([]byte(strings.Replace(string(raw), `"backup"`, `"primary"`, 1)))
	})
	f("a cut proof", errUnproven, func(_ *cache.PeerAsk, h headers) { h[fieldMac] = h[fieldMac][:20] })
	f("no proof", errUnproven, func(_ *cache.PeerAsk, h headers) { delete(h, fieldMac) })
	f("no answer", errUnproven, func(_ *cache.PeerAsk, h headers) { delete(h, fieldAnswer) })
	f("the proof of the ask", errUnproven, func(a *cache.PeerAsk, h headers) { h[fieldMac] = encode(p.ofAsk(*a, 1)) })
}

// What does not fit together is not taken from one of the fleet either: it may be of another version.
func TestAnswersThatMakeNoSense(t *testing.T) {
	p := newProofs(testSecret)
	f := func(from int64, text string) {
		t.Helper()
		ask := testAsk()
		ask.From = from
		if a, err := p.unseal(ask, headersOf(p.seal(ask, []byte(text))).field); err == nil {
			t.Errorf("%s: %+v", text, a)
		}
	}
	f(0, `{`)
	f(0, `{}`)
	f(0, `{"outcome":"else"}`)
	f(0, `{"outcome":"has","length":3}`)
	f(0, `{"outcome":"has","meta":{"Size":4},"length":3}`)
	f(0, `{"outcome":"has","meta":{"Size":4},"length":-1}`)
	f(5, `{"outcome":"has","meta":{"Size":4},"length":-1}`)
	f(5, `{"outcome":"has","meta":{"Size":4},"length":0}`)
	f(0, `{"outcome":"has","meta":{"Size":-1},"length":3}`)
	f(0, `{"outcome":"has","meta":{"Size":-1},"length":-2}`)
	f(0, `{"outcome":"lacks","length":3}`)
	f(0, `{"outcome":"failed"}`)
	f(0, `{"outcome":"failed","fault":{"status":200}}`)
	f(0, `{"outcome":"failed","fault":{"status":0}}`)
	f(0, `{"outcome":"failed","fault":{"status":600}}`)
}
