package crash_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// operation is a request of the S3 API that writes. "": any other.
type operation string

const (
	putObject      operation = "PutObject"
	beginUpload    operation = "CreateMultipartUpload"
	uploadPart     operation = "UploadPart"
	completeUpload operation = "CompleteMultipartUpload"
)

// front stands between the gateway and the bucket's server, and passes requests on as they are, Host included: else no
// signature would hold.
type front struct {
	url  string
	sent atomic.Int64 // bytes of objects and parts that came from the gateway
	hook atomic.Pointer[hook]
}

// hook is told of each operation. Its methods may keep the request, or its answer, as long as they do not return.
type hook struct {
	asked    func(operation) bool // false: it is not passed on
	answered func(operation)      // by the server; the gateway has not got the answer
	told     func(operation)      // the gateway has
}

// startFront puts a front before a server.
func startFront(t *testing.T, endpoint string) *front {
	t.Helper()
	f := new(front)
	pass := f.passTo(t, endpoint)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, pass) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	f.url = s.URL
	return f
}

func (f *front) passTo(t *testing.T, endpoint string) http.Handler {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		Transport:    &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(r *http.Response) error {
			if h, op := f.hook.Load(), operationOf(r.Request); h != nil && op != "" {
				h.answered(op)
			}
			return nil
		},
	}
}

func (f *front) serve(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	h, op := f.hook.Load(), operationOf(r)
	if op == putObject || op == uploadPart {
		r.Body = counted{r.Body, &f.sent}
	}
	if h == nil || op == "" {
		pass.ServeHTTP(w, r)
		return
	}
	if !h.asked(op) {
		panic(http.ErrAbortHandler)
	}
	pass.ServeHTTP(w, r)
	h.told(op)
}

// operationOf leaves out the gateway's own objects, by which it learns what the bucket does.
func operationOf(r *http.Request) operation {
	query := r.URL.Query()
	switch {
	case strings.Contains(r.URL.Path, "/.mirrorgate/"):
		return ""
	case r.Method == http.MethodPost && query.Has("uploads"):
		return beginUpload
	case r.Method == http.MethodPost && query.Has("uploadId"):
		return completeUpload
	case r.Method == http.MethodPut && query.Has("partNumber"):
		return uploadPart
	case r.Method == http.MethodPut:
		return putObject
	}
	return ""
}

// counted adds up what is read.
type counted struct {
	io.ReadCloser
	sum *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.sum.Add(int64(n))
	return n, err
}
