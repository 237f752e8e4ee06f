package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/gateway"
	"mirrorgate/rules"
	"mirrorgate/test/harness"
)

// server is a gateway that has what its share says.
type server struct {
	url   string
	fleet *Fleet
	share func(cache.PeerAsk) cache.PeerAnswer
	fault error // of the pull
	asked atomic.Int64
}

// startServer starts one that answers clients of another host than the one it is reached by.
func startServer(t *testing.T, f *Fleet, share func(cache.PeerAsk) cache.PeerAnswer) *server {
	t.Helper()
	h := &server{fleet: f, share: share}
	h.url = startGateway(t, f, gateway.Options{
		Cache: cache.New(cache.DefaultLimits(), cache.Memory{}, nil, quiet()),
		Share: func(_ context.Context, ask cache.PeerAsk) (cache.PeerAnswer, error) {
			h.asked.Add(1)
			return h.share(ask), h.fault
		},
	})
	return h
}

// startGateway returns the URL of a gateway. Without f it is on its own.
func startGateway(t *testing.T, f *Fleet, o gateway.Options) (url string) {
	t.Helper()
	keys := rules.DefaultSetConfig()
	gone := rules.Config{ID: "gone", Enabled: true, Mode: rules.ModeDeny, Deny: rules.Deny{Status: 410}}
	o.Config, o.MaxInflight, o.Log, o.Ready = gateway.DefaultConfig(), 1, quiet(), func() error { return nil }
	o.Sites = []*gateway.Site{{
		Site: cache.Site{Name: "assets"}, Hosts: []string{"*"}, Key: keys,
		Rules: rules.NewSet(keys, []rules.Config{gone}, rules.Identity{}),
	}}
	if f != nil {
		o.Fleet = f
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended, cut := context.WithCancel(context.Background())
	cut() // nothing is waited for
	done := make(chan error, 1)
	go func() { done <- gateway.New(o).Serve(ctx, ended, ln) }()
	t.Cleanup(func() { stop(); <-done })
	return "http://" + ln.Addr().String()
}

func (h *server) ask(t *testing.T, from int64) opened {
	return openAt(t.Context(), peersFor(t, testSecret, always).peer(testID(), h.url, ""), from)
}

// body is a whole one of these bytes from one on.
func body(data []byte, from int64) cache.PeerAnswer {
	a := has(int64(len(data)))
	a.Length -= from
	a.Body = io.NopCloser(bytes.NewReader(data[from:]))
	return a
}

// A body goes from one gateway to another as it is, whether its length is known or not, from any byte on. Hosts and rules
// of the site do not matter.
func TestBetweenGateways(t *testing.T) {
	data := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	f := fleetWith(t, testSecret, quiet())
	h := startServer(t, f, func(ask cache.PeerAsk) cache.PeerAnswer { return body(data, ask.From) })
	for _, from := range []int64{0, 1, 1 << 20, 5 << 20} {
		got := h.ask(t, from)
		if got.err != nil || got.body != string(data[from:]) || got.pull.Meta.ContentType != "text/plain" {
			t.Errorf("from %d: %d bytes, %v", from, len(got.body), got.err)
		}
	}
	h.share = func(ask cache.PeerAsk) cache.PeerAnswer {
		a := body(data, ask.From)
		a.Meta, a.Length = testMeta(-1), -1
		return a
	}
	if got := h.ask(t, 3); got.err != nil || got.body != string(data[3:]) || got.pull.Meta.Size != -1 {
		t.Errorf("of unknown length: %d bytes, %v", len(got.body), got.err)
	}
}

// What breaks off at one gateway never looks complete at another.
func TestBodyThatBreaksOffBetweenGateways(t *testing.T) {
	f := func(size int64, give int) {
		t.Helper()
		h := startServer(t, fleetWith(t, testSecret, quiet()), func(cache.PeerAsk) cache.PeerAnswer {
			a := has(size)
			start := io.LimitReader(rand.NewChaCha8([32]byte{}), int64(give))
			a.Body = io.NopCloser(io.MultiReader(start, failing{}))
			return a
		})
		if got := h.ask(t, 0); !isGone(got.err) || len(got.body) > give {
			t.Errorf("after %d bytes of %d: %d bytes, %v", give, size, len(got.body), got.err)
		}
	}
	for _, give := range []int{0, 1, 100_000} {
		f(1<<20, give)
		f(-1, give)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the pull broke off") }

// Without a body there is an answer all the same, and a site that is not known here is no failure.
func TestAnswersWithoutBodyBetweenGateways(t *testing.T) {
	var a cache.PeerAnswer
	h := startServer(t, fleetWith(t, testSecret, quiet()), func(cache.PeerAsk) cache.PeerAnswer { return a })
	f := func(answer cache.PeerAnswer, want error) {
		t.Helper()
		a = answer
		if got := h.ask(t, 0); !errors.Is(got.err, want) {
			t.Errorf("%+v: %v", answer, got.err)
		}
	}
	f(cache.PeerAnswer{Outcome: cache.PeerLacks}, cache.ErrPeerLacks)
	f(cache.PeerAnswer{Outcome: cache.PeerAlone}, cache.ErrPeerAlone)
	f(cache.PeerAnswer{Outcome: cache.PeerHas, Meta: testMeta(0), Body: http.NoBody}, nil)
	a, h.fault = cache.PeerAnswer{Outcome: cache.PeerFailed}, &cache.LengthError{Got: 1, Want: 2}
	var failed *cache.PeerError
	if got := h.ask(t, 0); !errors.As(got.err, &failed) || failed.Status != 502 || failed.Code != "MirrorFailed" || failed.Negative {
		t.Errorf("a failed pull: %+v, %v", failed, got.err)
	}
	h.fault = fmt.Errorf("wrapped: %w", &cache.NegativeError{Status: 451, Err: errors.New("private")})
	var negative *cache.NegativeError
	if got := h.ask(t, 0); !errors.As(got.err, &negative) || negative.Status != 451 || strings.Contains(got.err.Error(), "private") {
		t.Errorf("no such object: %+v, %v", negative, got.err)
	}
	asked := h.asked.Load()
	p := peersFor(t, testSecret, always).peer(cache.ID{Site: "unknown", Key: "k"}, h.url, "")
	if got := openAt(t.Context(), p, 0); !errors.Is(got.err, cache.ErrPeerLacks) || h.asked.Load() != asked {
		t.Errorf("an unknown site: %v", got.err)
	}
}

// get sends fields to a gateway, and returns the status, the header and the body.
func get(t *testing.T, method, url string, fields []cache.Field) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url+cache.PeerPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		req.Header.Set(f.Name, f.Value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// A forged request gets 403, learns nothing else, and is counted.
func TestForgedRequestGets403(t *testing.T) {
	fleet := fleetWith(t, testSecret, quiet())
	h := startServer(t, fleet, func(cache.PeerAsk) cache.PeerAnswer { return body([]byte("abc"), 0) })
	ask := cache.PeerAsk{ID: testID(), Nonce: newNonce()}
	now := time.Now().Unix()
	changed := fleet.proofs.sign(ask, now)
	changed.ask.Key = "other"
	refused := int64(0)
	f := func(what string, fields []cache.Field) {
		t.Helper()
		resp, text := get(t, http.MethodGet, h.url, fields)
		refused++
		if resp.StatusCode != 403 || !strings.Contains(text, "<Code>AccessDenied</Code>") ||
			resp.Header.Get("Cache-Control") != "no-store" || fleet.Refused() != refused {
			t.Errorf("%s: %d, %d counted, %v, %s", what, resp.StatusCode, fleet.Refused(), resp.Header, text)
		}
		for name := range resp.Header {
			if strings.HasPrefix(name, "Mirrorgate-") {
				t.Errorf("%s: %s: %s", what, name, resp.Header.Get(name))
			}
		}
	}
	f("nothing", nil)
	f("no secret", proofs{}.sign(ask, now).fields())
	f("another secret", newProofs(testSecret+"x").sign(ask, now).fields())
	f("another key", changed.fields())
	f("an old one", fleet.proofs.sign(ask, now-60).fields())
	if n := h.asked.Load(); n != 0 {
		t.Errorf("the cache was asked %d times", n)
	}
	if resp, text := get(t, http.MethodGet, h.url, fleet.proofs.sign(ask, now).fields()); resp.StatusCode != 200 || text != "abc" ||
		resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a true one: %d, %v, %q", resp.StatusCode, resp.Header, text)
	}
}

// Where there is no fleet, and for other methods, the path is one like any other under the same prefix.
func TestPeerPathOfClients(t *testing.T) {
	fleet := fleetWith(t, testSecret, quiet())
	share := func(cache.PeerAsk) cache.PeerAnswer { return body([]byte("abc"), 0) }
	f := func(h *server, method string, status int) {
		t.Helper()
		fields := fleet.proofs.sign(cache.PeerAsk{ID: testID(), Nonce: newNonce()}, time.Now().Unix()).fields()
		if resp, text := get(t, method, h.url, fields); resp.StatusCode != status || h.asked.Load() != 0 {
			t.Errorf("%s: %d, %s", method, resp.StatusCode, text)
		}
	}
	f(startServer(t, nil, share), http.MethodGet, 404)
	h := startServer(t, fleet, share)
	f(h, http.MethodHead, 404)
	f(h, http.MethodPost, 405)
}

// Gateways are let in also where limits.max_inflight is reached, and count under it: clients are refused meanwhile. One
// that leaves ends what was given to it.
func TestPeersUnderMaxInflight(t *testing.T) {
	closed := make(chan struct{}, 3)
	h := startServer(t, fleetWith(t, testSecret, quiet()), func(cache.PeerAsk) cache.PeerAnswer {
		a := has(1 << 40)
		a.Body = &endless{closed: closed}
		return a
	})
	p := peersFor(t, testSecret, always).peer(testID(), h.url, "")
	var pulls []*cache.Pull
	for range 3 {
		pull, err := p.Open(t.Context(), 0, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, pull.Body, 1<<20); err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, pull)
	}
	client := func() int {
		resp, _ := get(t, http.MethodHead, h.url+"/a", nil)
		return resp.StatusCode
	}
	if status := client(); status != 503 {
		t.Errorf("a client gets %d", status)
	}
	for _, pull := range pulls {
		_ = pull.Body.Close()
		<-closed
	}
	harness.Eventually(t, 10*time.Second, func() error {
		if status := client(); status != 410 {
			return fmt.Errorf("a client gets %d", status)
		}
		return nil
	})
}

type endless struct{ closed chan struct{} }

func (e *endless) Read(p []byte) (int, error) { return len(p), nil }
func (e *endless) Close() error               { e.closed <- struct{}{}; return nil }
