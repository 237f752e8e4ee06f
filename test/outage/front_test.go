package outage_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// front stands between the gateway and the bucket's server, and passes requests on as they are, Host included: else no
// signature would hold. What it does to them is its mode.
type front struct {
	url  string
	mode atomic.Pointer[mode]
	pass http.Handler
}

// failure is a way to fail. over is closed when it ends.
type failure func(f *front, w http.ResponseWriter, r *http.Request, over <-chan struct{})

// mode is one that is going on.
type mode struct {
	handle failure
	over   chan struct{}
}

func startFront(t *testing.T, endpoint string) *front {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{pass: &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		Transport:    &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() {
		f.fail(nil)
		s.CloseClientConnections()
		s.Close()
	})
	f.url = s.URL
	return f
}

// fail begins a mode, and ends the one before. nil: all passes.
func (f *front) fail(handle failure) {
	var next *mode
	if handle != nil {
		next = &mode{handle, make(chan struct{})}
	}
	if before := f.mode.Swap(next); before != nil {
		close(before.over)
	}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m := f.mode.Load(); m != nil {
		m.handle(f, w, r, m.over)
		return
	}
	f.pass.ServeHTTP(w, r)
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// writes makes a mode of what happens to writes. Reads pass.
func writes(handle http.HandlerFunc) failure {
	return func(f *front, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		if isRead(r) {
			f.pass.ServeHTTP(w, r)
			return
		}
		handle(w, r)
	}
}

// cut closes the connection at the request's header.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// refuse answers as S3 does.
func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>So says the test.</Message></Error>", code)
	}
}

// everyThird fails every third write, and lets the others pass.
func everyThird() failure {
	var writes atomic.Int64
	return func(f *front, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		if !isRead(r) && writes.Add(1)%3 == 0 {
			refuse(http.StatusInternalServerError, "InternalError")(w, r)
			return
		}
		f.pass.ServeHTTP(w, r)
	}
}

// dripping reads the body of each write at 10 KB/s.
func dripping(f *front, w http.ResponseWriter, r *http.Request, over <-chan struct{}) {
	if !isRead(r) {
		r.Body = &drip{r.Body, r, over}
	}
	f.pass.ServeHTTP(w, r)
}

// drip is a body of which a kilobyte comes every tenth of a second until the mode is over.
type drip struct {
	io.ReadCloser
	request *http.Request
	over    <-chan struct{}
}

func (d *drip) Read(p []byte) (int, error) {
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-d.over:
		return d.ReadCloser.Read(p)
	case <-d.request.Context().Done():
	case <-timer.C:
	}
	return d.ReadCloser.Read(p[:min(len(p), 1000)])
}

// everything fails: reads, too.
func everything(_ *front, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) { cut(w, r) }
