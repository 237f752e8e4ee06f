package fleet_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"mirrorgate/test/harness"
)

// peerPath is where gateways ask each other for bodies.
const peerPath = "/.mirrorgate/pull"

// tap stands on the way to a gateway, for those that ask it for bodies. It remembers what they ask, and may change what they
// are answered.
type tap struct {
	url string

	mu     sync.Mutex
	to     *url.URL
	asked  []*http.Request
	change func(*http.Response) error // nil: nothing
}

// startTap takes an address. Where it leads is said later.
func startTap(t *testing.T) *tap {
	t.Helper()
	p := new(tap)
	pass := &httputil.ReverseProxy{
		Rewrite:        p.note,
		Transport:      &http.Transport{DisableCompression: true},
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: p.answered,
		FlushInterval:  -1, // what arrives is passed on at once
	}
	s := httptest.NewUnstartedServer(pass)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	p.url = s.URL
	return p
}

// leadTo says whose gateway it is.
func (p *tap) leadTo(t *testing.T, g *harness.Gateway) {
	t.Helper()
	to, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

func (p *tap) note(r *httputil.ProxyRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.In.Clone(r.In.Context()))
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = p.to.Scheme, p.to.Host, r.In.Host
}

func (p *tap) answered(r *http.Response) error {
	p.mu.Lock()
	change := p.change
	p.mu.Unlock()
	if change == nil {
		return nil
	}
	return change(r)
}

// set says how answers are changed from now on.
func (p *tap) set(change func(*http.Response) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = change
}

// asks are the requests up to now.
func (p *tap) asks() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*http.Request(nil), p.asked...)
}
