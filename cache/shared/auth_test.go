package shared

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

const testSecret = "0123456789abcdef0123456789abcdef"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// headers are fields as they come out of a request.
type headers map[string]string

func headersOf(fields []cache.Field) headers {
	h := make(headers)
	for _, f := range fields {
		h[f.Name] = f.Value
	}
	return h
}

func (h headers) field(name string) string { return h[name] }

func testAsk() cache.PeerAsk {
	return cache.PeerAsk{ID: cache.ID{Site: "assets", Key: "a/\xff\x00b"}, From: 7, Match: "\"t\xe4g\"", Nonce: newNonce()}
}

func fleetWith(t *testing.T, secret string, log *slog.Logger) *Fleet {
	t.Helper()
	f, err := New(Options{Config: Config{Redis: Addresses{"redis://127.0.0.1:1"}, Secret: secret}, Member: "tested", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.link.close() })
	return f
}

func TestAsksAreAdmitted(t *testing.T) {
	f := fleetWith(t, testSecret, quiet())
	for _, age := range []time.Duration{0, 25 * time.Second, -25 * time.Second} {
		ask := testAsk()
		got, err := f.Admit(headersOf(f.proofs.sign(ask, time.Now().Add(-age).Unix()).fields()).field)
		if err != nil || got != ask {
			t.Errorf("%s old: %+v, %v", age, got, err)
		}
	}
	ask := testAsk()
	ask.Match, ask.From = "", 0
	if got, err := f.Admit(headersOf(f.proofs.sign(ask, time.Now().Unix()).fields()).field); err != nil || got != ask {
		t.Errorf("without match: %+v, %v", got, err)
	}
	if n := f.Refused(); n != 0 {
		t.Errorf("%d are refused", n)
	}
}

// Whoever does not know the secret, or changes anything, is refused and counted, and the log is not filled by it.
func TestForgedAsksAreRefused(t *testing.T) {
	var lines bytes.Buffer
	f := fleetWith(t, testSecret, slog.New(slog.NewTextHandler(&lines, nil)))
	refused := int64(0)
	refuse := func(what string, want error, h headers) {
		t.Helper()
		got, err := f.Admit(h.field)
		if refused++; err == nil || want != nil && !errors.Is(err, want) || got != (cache.PeerAsk{}) || f.Refused() != refused {
			t.Errorf("%s: %+v, %v, %d counted", what, got, err, f.Refused())
		}
	}
	fields := func(change func(*cache.PeerAsk)) headers {
		ask := testAsk()
		h := headersOf(f.proofs.sign(ask, time.Now().Unix()).fields())
		change(&ask)
		changed := headersOf(signed{ask: ask, at: time.Now().Unix()}.fields())
		changed[fieldMac] = h[fieldMac]
		return changed
	}
	refuse("another site", errForged, fields(func(a *cache.PeerAsk) { a.Site = "other" }))
	refuse("another key", errForged, fields(func(a *cache.PeerAsk) { a.Key += "c" }))
	refuse("another start", errForged, fields(func(a *cache.PeerAsk) { a.From++ }))
	refuse("another version", errForged, fields(func(a *cache.PeerAsk) { a.Match = "" }))
	refuse("another nonce", errForged, fields(func(a *cache.PeerAsk) { a.Nonce = newNonce() }))
	h := headersOf(f.proofs.sign(testAsk(), time.Now().Unix()).fields())
	h[fieldTime] = headersOf(signed{at: time.Now().Unix() + 1}.fields())[fieldTime]
	refuse("another time", errForged, h)
	for _, age := range []time.Duration{33 * time.Second, -33 * time.Second, 50 * 365 * 24 * time.Hour} {
		h = headersOf(f.proofs.sign(testAsk(), time.Now().Add(-age).Unix()).fields())
		refuse(age.String()+" old", errOld, h)
	}
	h = headersOf(newProofs(testSecret+"x").sign(testAsk(), time.Now().Unix()).fields())
	refuse("another secret", errForged, h)
	ask := testAsk()
	h = headersOf(signed{ask: ask, at: time.Now().Unix(), mac: f.proofs.ofAnswer(ask, nil)}.fields())
	refuse("the proof of an answer", errForged, h)
	refuse("nothing", nil, headers{})
	if n := strings.Count(lines.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, lines.String())
	}
}

func TestWithoutSecretNobodyIsKnown(t *testing.T) {
	f := fleetWith(t, "", quiet())
	for _, p := range []proofs{f.proofs, newProofs(""), {asks: derive("", "ask"), answers: derive("", "answer")}} {
		h := headersOf(p.sign(testAsk(), time.Now().Unix()).fields())
		if got, err := f.Admit(h.field); !errors.Is(err, errNoSecret) {
			t.Errorf("admitted %+v, %v", got, err)
		}
		h = headersOf(p.seal(testAsk(), []byte("{}")))
		if a, err := f.proofs.unseal(testAsk(), h.field); !errors.Is(err, errUnproven) {
			t.Errorf("taken %+v, %v", a, err)
		}
	}
}

func TestKeysAreApart(t *testing.T) {
	if p := newProofs(testSecret); bytes.Equal(p.asks, p.answers) {
		t.Error("asks and answers have one key")
	}
}

// No two lists of fields are proven by the same bytes.
func TestFieldsDoNotRunTogether(t *testing.T) {
	f := func(one, other []string) {
		t.Helper()
		if bytes.Equal(prove([]byte("k"), one...), prove([]byte("k"), other...)) {
			t.Errorf("%q and %q have the same proof", one, other)
		}
	}
	f([]string{"ab", "c"}, []string{"a", "bc"})
	f([]string{"ab"}, []string{"a", "b"})
	f([]string{"", "a"}, []string{"a", ""})
	f([]string{"a"}, []string{"a", ""})
}

func TestMalformedAsks(t *testing.T) {
	f := func(name, value string) {
		t.Helper()
		h := headersOf(newProofs(testSecret).sign(testAsk(), 1).fields())
		h[name] = value
		if s, err := parseAsk(h.field); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %.80q: %+v, %v", name, value, s, err)
		}
	}
	for _, name := range []string{fieldTime, fieldFrom} {
		for _, value := range []string{"", "-1", "+1", "01", "1.0", "0x1", " 1", "9223372036854775808"} {
			f(name, value)
		}
	}
	for _, value := range []string{"", "A", "a b", "a/b", strings.Repeat("a", maxSite+1)} {
		f(fieldSite, value)
	}
	long := func(n int) string { return encode(make([]byte, n)) }
	for _, value := range []string{"", "=", "YQ==", "YR", "Y\nQ", "+/+/", long(cache.MaxKey + 1)} {
		f(fieldKey, value)
	}
	f(fieldMatch, long(maxMatch+1))
	f(fieldNonce, long(nonceBytes-1))
	f(fieldNonce, long(nonceBytes+1))
	f(fieldMac, long(proofBytes-1))
	f(fieldMac, long(proofBytes+1))
}

// What is read is what would be written, so that a proof of what is read is one of what was sent.
func FuzzParseAsk(f *testing.F) {
	h := headersOf(newProofs(testSecret).sign(testAsk(), 1_700_000_000).fields())
	f.Add(h[fieldTime], h[fieldNonce], h[fieldSite], h[fieldKey], h[fieldFrom], h[fieldMatch], h[fieldMac])
	f.Add("0", h[fieldNonce], "a", "YQ", "0", "", h[fieldMac])
	f.Add("+1", "\n", "A", "YR", "-0", "=", "")
	f.Fuzz(func(t *testing.T, at, nonce, site, key, from, match, mac string) {
		in := headers{
			fieldTime: at, fieldNonce: nonce, fieldSite: site, fieldKey: key, fieldFrom: from, fieldMatch: match, fieldMac: mac,
		}
		s, err := parseAsk(in.field)
		if err != nil {
			return
		}
		if len(s.ask.Key) == 0 || len(s.ask.Key) > cache.MaxKey || len(s.ask.Site) > maxSite || s.ask.From < 0 ||
			len(s.ask.Match) > maxMatch {
			t.Errorf("out of bounds: %+v", s)
		}
		out := headersOf(s.fields())
		for name, value := range in {
			if out[name] != value {
				t.Errorf("%s: %q is read as %q", name, value, out[name])
			}
		}
	})
}

// A body that is not sent after all is closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestAnswerThatFillsNoHeader(t *testing.T) {
	f := fleetWith(t, testSecret, quiet())
	body := &closing{Reader: strings.NewReader("x")}
	a := cache.PeerAnswer{Outcome: cache.PeerHas, Length: 1, Body: body}
	a.Meta.Size, a.Meta.ContentType = 1, strings.Repeat("t", maxAnswer)
	ask := testAsk()
	fields := f.Seal(ask, &a)
	if a.Outcome != cache.PeerLacks || a.Body != nil || !body.closed {
		t.Errorf("sent: %.80v, closed: %v", a, body.closed)
	}
	got, err := f.proofs.unseal(ask, headersOf(fields).field)
	if err != nil || got.Outcome != cache.PeerLacks {
		t.Errorf("got %+v, %v", got, err)
	}
}
