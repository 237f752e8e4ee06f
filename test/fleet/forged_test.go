package fleet_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// tapped starts gateways of which the first is asked by way of a tap.
func tapped(t *testing.T) (*fleet, *tap) {
	t.Helper()
	p := startTap(t)
	advertise := func(n int) string {
		if n == 0 {
			return p.url
		}
		return "http://${LISTEN}"
	}
	f := newStage(t, harness.StartRedis(t).URL).start(t, settings{members: few, advertise: advertise})
	p.leadTo(t, f.members[0].Gateway)
	return f, p
}

// stalled has the first gateway pull a key whose first pull stops at the object's half, and all others not. The function
// that is returned lets it go on, and waits for the first gateway's client.
func (f *fleet) stalled(t *testing.T, key string) (release func()) {
	t.Helper()
	f.origin.Set("/"+key, func(r *origin.Request, a *origin.Answer) {
		if r.Number == 1 {
			a.StallAt(r.At(), 0)
		}
	})
	first := f.asks(t, 0, key)
	f.waitAsked(t, key, 1)
	return func() {
		f.origin.Release("/" + key)
		first()
	}
}

// TestForgedAsks: only gateways of the fleet are given bodies by way of the fleet.
func TestForgedAsks(t *testing.T) {
	t.Parallel()
	f, p := tapped(t)
	key := sized("forged", "1MiB")
	release := f.stalled(t, key)
	second := f.asks(t, 1, key)
	harness.Eventually(t, patience, func() error {
		if len(p.asks()) == 0 {
			return fmt.Errorf("no gateway has asked the first")
		}
		return nil
	})
	genuine := p.asks()[0]
	if genuine.URL.Path != peerPath {
		t.Fatalf("gateways ask for %s", genuine.URL)
	}
	f.refused(t, "nothing but the path", http.Header{})
	for name := range genuine.Header {
		if !strings.HasPrefix(name, "Mirrorgate-") {
			continue
		}
		f.refused(t, "without "+name, without(genuine.Header, name))
		f.refused(t, "another "+name, with(genuine.Header, name, other(genuine.Header.Get(name))))
		f.refused(t, "no value of "+name, with(genuine.Header, name, ""))
		f.refused(t, "much of "+name, with(genuine.Header, name, strings.Repeat("A", 4*kib)))
	}
	release()
	second()
	if pulls := f.pulls(key); pulls != 1 {
		t.Errorf("the origin was asked %d times", pulls)
	}
}

// refused asks the first gateway, and fails the test unless it is told nothing.
func (f *fleet) refused(t *testing.T, what string, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.members[0].URL+peerPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := f.client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 10*kib))
	if response.StatusCode != http.StatusForbidden || err != nil {
		t.Errorf("%s: %s, %.100q, %v; 403 is due", what, response.Status, text, err)
	}
	for name := range response.Header {
		if strings.HasPrefix(name, "Mirrorgate-") {
			t.Errorf("%s: the refusal has %s", what, name)
		}
	}
}

func without(h http.Header, name string) http.Header {
	h = h.Clone()
	h.Del(name)
	return h
}

func with(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}

// other is a value of the same form: its first letter or digit is another one.
func other(value string) string {
	first := byte('A')
	switch {
	case value == "":
		return "A"
	case value[0] >= '0' && value[0] <= '8':
		first = value[0] + 1
	case value[0] == '9':
		first = '1'
	case value[0] == 'A':
		first = 'B'
	case value[0] >= 'a':
		first = 'a' + (value[0]-'a'+1)%26
	}
	return string(first) + value[1:]
}

// forgeries are what somebody on the way, or at the address, may make of an answer to a gateway.
func forgeries() map[string]func(*http.Response) error {
	header := func(change func(http.Header)) func(*http.Response) error {
		return func(r *http.Response) error {
			change(r.Header)
			return nil
		}
	}
	return map[string]func(*http.Response) error{
		"no proof":       header(func(h http.Header) { h.Del("Mirrorgate-Mac") }),
		"another proof":  header(func(h http.Header) { h.Set("Mirrorgate-Mac", other(h.Get("Mirrorgate-Mac"))) }),
		"no answer":      header(func(h http.Header) { h.Del("Mirrorgate-Answer") }),
		"another answer": header(func(h http.Header) { h.Set("Mirrorgate-Answer", enlarged(h.Get("Mirrorgate-Answer"))) }),
		"a page": func(r *http.Response) error {
			r.Header = http.Header{"Content-Type": {"text/html"}, "Content-Length": {"5"}}
			r.ContentLength, r.Body = 5, io.NopCloser(bytes.NewReader([]byte("hello")))
			return nil
		},
		"a redirect": func(r *http.Response) error {
			r.StatusCode, r.Header = http.StatusFound, http.Header{"Location": {"http://127.0.0.1:1/"}}
			r.ContentLength, r.Body = 0, http.NoBody
			return nil
		},
		"no end of the header": header(func(h http.Header) { h.Set("X-Filler", strings.Repeat("x", 4*mib)) }),
	}
}

// enlarged is an answer about an object with one more digit in its length.
func enlarged(answer string) string {
	text, err := base64.StdEncoding.DecodeString(answer)
	if err != nil {
		text, _ = base64.RawURLEncoding.DecodeString(answer)
		return base64.RawURLEncoding.EncodeToString(bytes.ReplaceAll(text, []byte(`"length":1`), []byte(`"length":11`)))
	}
	return base64.StdEncoding.EncodeToString(bytes.ReplaceAll(text, []byte(`"length":1`), []byte(`"length":11`)))
}

// TestForgedAnswers: from whoever is not proven to be the gateway that pulls nothing is taken. Who asked pulls on its own,
// at once.
func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	f, p := tapped(t)
	for name, change := range forgeries() {
		t.Run(name, func(t *testing.T) {
			key := sized("answers/"+strings.ReplaceAll(name, " ", "-"), "1MiB")
			release := f.stalled(t, key)
			before := len(p.asks())
			p.set(change)
			a := f.get(t, 1, key, f.body(key))
			wantRight(t, "another gateway", a, f.body(key))
			const soon = 3 * time.Second
			if a.took > soon {
				t.Errorf("another gateway took %v, at most %v are due", a.took, soon)
			}
			release()
			if len(p.asks()) == before {
				t.Error("it has not asked the first gateway")
			}
			if pulls := f.pulls(key); pulls != 2 {
				t.Errorf("the origin was asked %d times, by two gateways", pulls)
			}
		})
	}
}
