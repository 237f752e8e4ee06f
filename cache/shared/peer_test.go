package shared

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
)

// What a peer has arrives as it is, over one connection.
func TestPeerGives(t *testing.T) {
	r := startRaw(t, func(r *raw, w io.Writer, ask cache.PeerAsk) bool {
		a := has(10)
		a.Length = 10 - ask.From
		if ask.From < 10 {
			io.WriteString(w, r.head(ask, a, length(int(a.Length)))+"0123456789"[ask.From:])
			return true
		}
		a.Meta, a.Length = testMeta(-1), -1
		io.WriteString(w, r.head(ask, a, chunkedLine)+"3\r\nabc\r\n0\r\n\r\n")
		return true
	})
	p := peersFor(t, testSecret, never).peer(testID(), r.url+"/", "note")
	f := func(from, size int64, body string) {
		t.Helper()
		got := openAt(t.Context(), p, from)
		if got.err != nil || got.body != body {
			t.Fatalf("from %d: %q, %v", from, got.body, got.err)
		}
		if g := got.pull; !g.Relayed || !g.Kept || g.Meta.Size != size || g.Target != "primary" {
			t.Errorf("from %d: %+v", from, g)
		}
		if ask := <-r.asks; ask.ID != testID() || ask.From != from || ask.Match != `"m"` {
			t.Errorf("asked %+v", ask)
		}
	}
	f(0, 10, "0123456789")
	f(4, 10, "456789")
	f(12, -1, "abc")
}

// A peer that lies, breaks off or is none of the fleet is gone: never the end of a body, never another's bytes.
func TestPeerThatLies(t *testing.T) {
	f := func(what string, answer func(r *raw, w io.Writer, ask cache.PeerAsk)) {
		t.Helper()
		r := startRaw(t, func(r *raw, w io.Writer, ask cache.PeerAsk) bool { answer(r, w, ask); return false })
		got := openAt(t.Context(), peersFor(t, testSecret, always).peer(testID(), r.url, ""), 0)
		if !isGone(got.err) {
			t.Errorf("%s: %q, %v", what, got.body, got.err)
		}
	}
	say := func(w io.Writer, text string) { _, _ = io.WriteString(w, text) }
	f("another secret", func(r *raw, w io.Writer, ask cache.PeerAsk) {
		r.proof = newProofs(testSecret + "x")
		say(w, r.head(ask, has(3), length(3))+"abc")
	})
	f("the answer to another nonce", func(r *raw, w io.Writer, ask cache.PeerAsk) {
		ask.Nonce = newNonce()
		say(w, r.head(ask, has(3), length(3))+"abc")
	})
	f("the answer for another key", func(r *raw, w io.Writer, ask cache.PeerAsk) {
		ask.Key = "other"
		say(w, r.head(ask, has(3), length(3))+"abc")
	})
	f("no proof", func(_ *raw, w io.Writer, _ cache.PeerAsk) { say(w, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") })
	f("a longer body", func(r *raw, w io.Writer, ask cache.PeerAsk) { say(w, r.head(ask, has(3), length(4))+"abcd") })
	f("a shorter body", func(r *raw, w io.Writer, ask cache.PeerAsk) { say(w, r.head(ask, has(3), length(2))+"ab") })
	f("chunks for a length", func(r *raw, w io.Writer, ask cache.PeerAsk) {
		say(w, r.head(ask, has(3), chunkedLine)+"4\r\nabcd\r\n0\r\n\r\n")
	})
	f("a body until the connection ends", func(r *raw, w io.Writer, ask cache.PeerAsk) { say(w, r.head(ask, has(-1), "")+"abc") })
	f("a body cut within its length", func(r *raw, w io.Writer, ask cache.PeerAsk) { say(w, r.head(ask, has(3), length(3))+"ab") })
	f("a body cut before it begins", func(r *raw, w io.Writer, ask cache.PeerAsk) { say(w, r.head(ask, has(3), length(3))) })
	for _, cut := range []string{"", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "3\r\nabc\r\nx\r\n"} {
		f(fmt.Sprintf("chunks cut after %q", cut), func(r *raw, w io.Writer, ask cache.PeerAsk) {
			say(w, r.head(ask, has(-1), chunkedLine)+cut)
		})
	}
	f("a body with what lacks the object", func(r *raw, w io.Writer, ask cache.PeerAsk) {
		say(w, r.head(ask, cache.PeerAnswer{Outcome: cache.PeerLacks}, length(3))+"abc")
	})
	f("no answer", func(*raw, io.Writer, cache.PeerAsk) {})
	f("garbage", func(_ *raw, w io.Writer, _ cache.PeerAsk) { say(w, "\x00\x01 what?\r\n\r\n") })
	f("a huge header", func(r *raw, w io.Writer, ask cache.PeerAsk) {
		say(w, r.head(ask, has(3), length(3)+"X: "+strings.Repeat("x", 2*maxHeader)+"\r\n")+"abc")
	})
	for _, status := range []string{"302 Found", "403 Forbidden", "503 Busy", "206 Partial Content", "204 No Content"} {
		f(status, func(r *raw, w io.Writer, ask cache.PeerAsk) {
			head := strings.Replace(r.head(ask, has(3), "Location: "+r.url+"/else\r\n"+length(3)), "200 OK", status, 1)
			say(w, head+"abc")
		})
	}
}

// Bytes behind an answer are no part of it, nor of the next one.
func TestPeerThatSaysMore(t *testing.T) {
	r := startRaw(t, func(r *raw, w io.Writer, ask cache.PeerAsk) bool {
		io.WriteString(w, r.head(ask, has(3), length(3))+"abc"+r.head(ask, has(3), length(3))+"xyz")
		return true
	})
	p := peersFor(t, testSecret, always).peer(testID(), r.url, "")
	for range 20 {
		if got := openAt(t.Context(), p, 0); got.body != "abc" && !isGone(got.err) {
			t.Fatalf("%q, %v", got.body, got.err)
		}
	}
}

func TestPeerWithoutBody(t *testing.T) {
	f := func(a cache.PeerAnswer, want func(error) bool) {
		t.Helper()
		r := startRaw(t, func(r *raw, w io.Writer, ask cache.PeerAsk) bool {
			io.WriteString(w, r.head(ask, a, length(0)))
			return true
		})
		if got := openAt(t.Context(), peersFor(t, testSecret, always).peer(testID(), r.url, ""), 0); !want(got.err) {
			t.Errorf("%+v: %v", a, got.err)
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	f(cache.PeerAnswer{Outcome: cache.PeerLacks}, is(cache.ErrPeerLacks))
	f(cache.PeerAnswer{Outcome: cache.PeerAlone}, is(cache.ErrPeerAlone))
	fault := &cache.PeerError{Status: 504, Code: "MirrorTimeout", Message: "m"}
	f(cache.PeerAnswer{Outcome: cache.PeerFailed, Fault: fault}, func(err error) bool {
		var failed *cache.PeerError
		var negative *cache.NegativeError
		return errors.As(err, &failed) && *failed == *fault && !errors.As(err, &negative)
	})
	f(cache.PeerAnswer{Outcome: cache.PeerFailed, Fault: &cache.PeerError{Status: 410, Negative: true}}, func(err error) bool {
		var negative *cache.NegativeError
		return errors.As(err, &negative) && negative.Status == 410 && !negative.Remembered
	})
	empty := cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(0)}
	f(empty, func(err error) bool { return err == nil })
}

// A peer that cannot be reached, or asked, is gone at once.
func TestPeerThatIsNotThere(t *testing.T) {
	f := func(secret, advertise string, id cache.ID, match string) {
		t.Helper()
		began := time.Now()
		_, err := peersFor(t, secret, always).peer(id, advertise, "").Open(t.Context(), 0, match)
		if took := time.Since(began); !isGone(err) || took > 5*dialLimit {
			t.Errorf("%q: %v after %s", advertise, err, took)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	url := "http://" + ln.Addr().String() // it answers nothing, and is not asked
	f("", url, testID(), "")
	f(testSecret, url, testID(), strings.Repeat("m", maxMatch+1))
	f(testSecret, url, cache.ID{Site: "s", Key: strings.Repeat("k", cache.MaxKey+1)}, "")
	for _, advertise := range []string{"", "x", "ftp://a", "http://a/b", "http://a?b", "http://u@a", "http://a\n", "file:///etc"} {
		f(testSecret, advertise, testID(), "")
	}
	ln.Close()
	f(testSecret, url, testID(), "")
	r := startRaw(t, func(r *raw, w io.Writer, ask cache.PeerAsk) bool { t.Error("it is asked"); return false })
	f(testSecret, r.url+"?x", testID(), "")
	f(testSecret, r.url+"#x", testID(), "")
}

// slowly answers with pieces of an answer, the next each time that something comes out of the channel.
func slowly(pieces chan string) func(*raw, io.Writer, cache.PeerAsk) bool {
	return func(r *raw, w io.Writer, ask cache.PeerAsk) bool {
		text := r.head(ask, has(3), length(3)) + "abc"
		for at := range pieces {
			i := strings.Index(text, at) + len(at)
			io.WriteString(w, text[:i])
			text = text[i:]
		}
		<-r.hold
		return false
	}
}

// While a peer is silent it is asked whether its lease stands; one that has lost it is gone, be it within the header or
// within the body. One that holds it is waited for.
func TestSilentPeer(t *testing.T) {
	f := func(before string) {
		t.Helper()
		pieces := make(chan string, 1)
		pieces <- before
		r := startRaw(t, slowly(pieces))
		defer close(pieces)
		var asked atomic.Int64
		p := peersFor(t, testSecret, func(_ context.Context, id cache.ID, note string) bool {
			if id != testID() || note != "the note" {
				t.Errorf("asked for %v, %q", id, note)
			}
			return asked.Add(1) < 4
		})
		began := time.Now()
		got := openAt(t.Context(), p.peer(testID(), r.url, "the note"), 0)
		if took := time.Since(began); !isGone(got.err) || asked.Load() != 4 || took < 4*p.silence {
			t.Errorf("stopped after %q: %v, the lease was asked for %d times in %s", before, got.err, asked.Load(), took)
		}
	}
	f("")
	f("HTTP/1.1 200 OK")
	f("\r\n\r\n")
	f("\r\n\r\na")
}

func TestSlowPeerWithLease(t *testing.T) {
	pieces := make(chan string)
	r := startRaw(t, slowly(pieces))
	stood := make(chan struct{})
	p := peersFor(t, testSecret, func(ctx context.Context, _ cache.ID, _ string) bool {
		select {
		case stood <- struct{}{}:
		case <-ctx.Done():
		}
		return true
	})
	done := make(chan opened, 1)
	go func() { done <- openAt(t.Context(), p.peer(testID(), r.url, ""), 0) }()
	for _, piece := range []string{"HTTP/1.1 200 OK", "\r\n\r\n", "ab", "c"} {
		<-stood
		<-stood
		pieces <- piece
	}
	close(pieces)
	if got := <-done; got.err != nil || got.body != "abc" {
		t.Errorf("%q, %v", got.body, got.err)
	}
}

// A peer that holds its lease is not waited for without end.
func TestPeerThatStandsStill(t *testing.T) {
	pieces := make(chan string, 1)
	pieces <- "\r\n\r\na"
	r := startRaw(t, slowly(pieces))
	defer close(pieces)
	p := peersFor(t, testSecret, always)
	p.silence = 5 * time.Millisecond
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	got := openAt(ctx, p.peer(testID(), r.url, ""), 0)
	if took := time.Since(began); !isGone(got.err) || took < tooLong*p.silence {
		t.Errorf("%v after %s", got.err, took)
	}
}

// A peer that holds its lease and cannot be reached any more is gone, although the connection to it says nothing: the
// network between the two may be cut, and that to Redis not.
func TestPeerThatIsCutOff(t *testing.T) {
	f := func(before string) {
		t.Helper()
		pieces := make(chan string, 1)
		pieces <- before
		r := startRaw(t, slowly(pieces))
		defer close(pieces)
		p := peersFor(t, testSecret, always)
		done := make(chan opened, 1)
		go func() { done <- openAt(t.Context(), p.peer(testID(), r.url, ""), 0) }()
		<-r.asks
		r.ln.Close()
		select {
		case got := <-done:
			if !isGone(got.err) {
				t.Errorf("stopped after %q: %v", before, got.err)
			}
		case <-time.After(soon):
			t.Errorf("stopped after %q: it is waited for", before)
		}
	}
	f("")
	f("\r\n\r\na")
}

// A reader that takes its time is no silence of the peer.
func TestSlowReaderAsksNobody(t *testing.T) {
	r := startRaw(t, func(r *raw, w io.Writer, ask cache.PeerAsk) bool {
		io.WriteString(w, r.head(ask, has(3), length(3))+"abc")
		return true
	})
	p := peersFor(t, testSecret, func(context.Context, cache.ID, string) bool {
		t.Error("asked for the lease")
		return false
	})
	p.silence = 300 * time.Millisecond
	pull, err := p.peer(testID(), r.url, "").Open(t.Context(), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var first [1]byte
	if _, err := io.ReadFull(pull.Body, first[:]); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * p.silence)
	if body, err := io.ReadAll(pull.Body); err != nil || string(body) != "bc" {
		t.Errorf("%q, %v", body, err)
	}
	_ = pull.Body.Close()
}

// The asker's own end is not the peer's.
func TestAskerThatEnds(t *testing.T) {
	pieces := make(chan string)
	defer close(pieces)
	r := startRaw(t, slowly(pieces))
	own := errors.New("the pull is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-r.asks; cancel(own) }()
	got := openAt(ctx, peersFor(t, testSecret, always).peer(testID(), r.url, ""), 0)
	if !errors.Is(got.err, own) || isGone(got.err) {
		t.Errorf("%v", got.err)
	}
}

// Neither the environment's proxy nor anything compressed stands between gateways. (Of the proxy nothing else can be seen
// here: it is never used for this machine's own addresses.)
func TestPeersAreAskedDirectly(t *testing.T) {
	if p := newPeers(testSecret, always); p.transport.Proxy != nil || !p.transport.DisableCompression {
		t.Errorf("%+v", p.transport)
	}
}

// A peer at https:// is believed by the system's roots, and no other.
func TestPeerOverTLS(t *testing.T) {
	proof := newProofs(testSecret)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, err := proof.admit(r.Header.Get, time.Now())
		if err != nil || r.ProtoMajor != 1 {
			t.Errorf("asked over %s: %v", r.Proto, err)
		}
		a := has(3)
		said, _ := say(&a)
		for _, f := range proof.seal(ask, said) {
			w.Header().Set(f.Name, f.Value)
		}
		_, _ = io.WriteString(w, "abc")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	p := peersFor(t, testSecret, always)
	if got := openAt(t.Context(), p.peer(testID(), server.URL, ""), 0); !isGone(got.err) {
		t.Errorf("without its root: %q, %v", got.body, got.err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	p.transport.TLSClientConfig = &tls.Config{RootCAs: roots} // in place of the system's
	if got := openAt(t.Context(), p.peer(testID(), server.URL, ""), 0); got.err != nil || got.body != "abc" {
		t.Errorf("with its root: %q, %v", got.body, got.err)
	}
}
