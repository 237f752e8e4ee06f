package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// frontHandler answers a request, by handing it to pass or on its own.
type frontHandler func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// startFront puts a handler in front of a real server, to which pass hands a request on as it is. It returns its URL.
func startFront(t *testing.T, endpoint string, handle frontHandler) string {
	t.Helper()
	pass := passTo(t, endpoint)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, pass) }))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// recorder stands in front of a real server and remembers what passes.
type recorder struct {
	url string

	mu   sync.Mutex
	seen []*http.Request
}

// startRecorder passes requests to a server as they are, Host included: else no signature would hold.
func startRecorder(t *testing.T, endpoint string) *recorder {
	t.Helper()
	c := &recorder{}
	c.url = startFront(t, endpoint, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		c.mu.Lock()
		c.seen = append(c.seen, r.Clone(t.Context()))
		c.mu.Unlock()
		pass.ServeHTTP(w, r)
	})
	return c
}

// passTo is a reverse proxy that changes nothing. When the server breaks off so does the answer.
func passTo(t *testing.T, endpoint string) http.Handler {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
		},
		Transport:    &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

func (c *recorder) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// last is the last GET.
func (c *recorder) last(t *testing.T) *http.Request {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.seen) - 1; i >= 0; i-- {
		if c.seen[i].Method == http.MethodGet {
			return c.seen[i]
		}
	}
	t.Fatal("nothing has passed")
	return nil
}

// hold stands between a gateway and its server, and holds back the request that makes an object appear: the PUT of a
// whole one, the completion of one in parts. Probes pass.
type hold struct {
	arrived chan string
	opened  chan struct{}
	once    sync.Once
}

// startHold puts a hold before the store's server.
func startHold(t *testing.T, s *store) *hold {
	t.Helper()
	h := &hold{arrived: make(chan string, 100), opened: make(chan struct{})}
	s.via = startFront(t, s.server.Endpoint, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if h.publishes(r) {
			h.arrived <- fmt.Sprint(r.Method, " ", r.URL.Path, "?", r.URL.RawQuery)
			select {
			case <-h.opened:
			case <-r.Context().Done():
				return
			}
		}
		pass.ServeHTTP(w, r)
	})
	t.Cleanup(h.open)
	return h
}

// publishes tells whether an object appears by the request.
func (h *hold) publishes(r *http.Request) bool {
	query := r.URL.Query()
	switch {
	case strings.Contains(r.URL.Path, ".mirrorgate/"):
		return false
	case r.Method == http.MethodPost:
		return query.Has("uploadId")
	default:
		return r.Method == http.MethodPut && !query.Has("partNumber")
	}
}

func (h *hold) open() { h.once.Do(func() { close(h.opened) }) }

// startSpoiler stands before the store's server. While its switch is on it changes the last digit of every signature.
func startSpoiler(t *testing.T, s *store) *atomic.Bool {
	t.Helper()
	var on atomic.Bool
	s.via = startFront(t, s.server.Endpoint, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if auth := r.Header.Get("Authorization"); on.Load() && auth != "" {
			last := byte('0')
			if auth[len(auth)-1] == last {
				last = '1'
			}
			r.Header.Set("Authorization", auth[:len(auth)-1]+string(last))
		}
		pass.ServeHTTP(w, r)
	})
	return &on
}

// startRefusal stands before the store's server. While its switch is on every write is refused, as by a policy.
func startRefusal(t *testing.T, s *store) *atomic.Bool {
	t.Helper()
	var on atomic.Bool
	s.via = startFront(t, s.server.Endpoint, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if on.Load() && (r.Method == http.MethodPut || r.Method == http.MethodPost) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"))
			return
		}
		pass.ServeHTTP(w, r)
	})
	return &on
}
