package fleet_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// front stands between all gateways and the bucket's server, passes requests on as they are, Host included (else no
// signature would hold), and counts writes of objects.
type front struct {
	url string

	mu     sync.Mutex
	writes map[string]writes // by key
}

// writes is what was done to one key.
type writes struct {
	begun int // objects that were sent, whole or with the first of their parts' requests
	done  int // of which the server said that it has them now
}

// startFront puts a front before a server's bucket.
func startFront(t *testing.T, endpoint string) *front {
	t.Helper()
	f := &front{writes: map[string]writes{}}
	s := httptest.NewUnstartedServer(passTo(t, endpoint, f.answered))
	s.Config.Handler = f.counting(s.Config.Handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	f.url = s.URL
	return f
}

// passTo is a reverse proxy that changes nothing. When the server breaks off so does the answer.
func passTo(t *testing.T, endpoint string, answered func(*http.Response) error) http.Handler {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256},
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: answered,
	}
}

func (f *front) counting(pass http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key, ok := keyOf(r); ok && begins(r) {
			f.count(key, func(w *writes) { w.begun++ })
		}
		pass.ServeHTTP(w, r)
	})
}

func (f *front) answered(r *http.Response) error {
	if key, ok := keyOf(r.Request); ok && publishes(r.Request) && r.StatusCode == http.StatusOK {
		f.count(key, func(w *writes) { w.done++ })
	}
	return nil
}

func (f *front) count(key string, change func(*writes)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.writes[key]
	change(&w)
	f.writes[key] = w
}

// of is what was done to a key up to now.
func (f *front) of(key string) writes {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes[key]
}

// keyOf leaves out the gateways' own objects, by which they learn what the bucket does.
func keyOf(r *http.Request) (key string, ok bool) {
	key, ok = strings.CutPrefix(r.URL.Path, "/"+bucketName+"/")
	return key, ok && !strings.HasPrefix(key, ".mirrorgate/")
}

// begins tells whether an object is sent by the request, or the first of its parts announced.
func begins(r *http.Request) bool {
	query := r.URL.Query()
	return r.Method == http.MethodPut && !query.Has("partNumber") || r.Method == http.MethodPost && query.Has("uploads")
}

// publishes tells whether an object appears by the request.
func publishes(r *http.Request) bool {
	query := r.URL.Query()
	return r.Method == http.MethodPut && !query.Has("partNumber") || r.Method == http.MethodPost && query.Has("uploadId")
}
