package bucket

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeS3 is a small S3 server over real sockets, whose answers a test may take over.
type fakeS3 struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	objects  map[string]*fakeObject
	uploads  map[string]map[int][]byte
	names    map[string]string // the keys of uploads
	begun    int
	requests []fakeRequest
	conns    int

	// answer may answer a request itself; false leaves it to the server.
	answer func(w http.ResponseWriter, r fakeRequest) bool

	// lose drops the answer to a request that was carried out.
	lose func(r fakeRequest) bool
	// etag changes what a PUT is answered with.
	etag func(r fakeRequest, etag string) string

	ignorePut, ignoreComplete, ignoreDelete bool // conditions
	plain                                   bool // knows no encryption
	page                                    int  // parts and uploads in one list; 0: all
}

type fakeObject struct {
	data   []byte
	header http.Header
}

// fakeRequest is one request as it came.
type fakeRequest struct {
	method, uri, key string
	header           http.Header
	body             []byte
}

func newFakeS3(t *testing.T, secure bool) *fakeS3 {
	f := &fakeS3{t: t, objects: map[string]*fakeObject{}, uploads: map[string]map[int][]byte{}, names: map[string]string{}}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.mu.Lock()
			f.conns++
			f.mu.Unlock()
		}
	}
	if secure {
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Close)
	return f
}

// bucket opens "box" on the server, without running it.
func (f *fakeS3) bucket(change func(*S3Config)) *S3 {
	f.t.Helper()
	return f.bucketWith(NewUploads(UploadLimits{PartSize: 5 << 20}), change)
}

// bucketWith is bucket with shared bounds.
func (f *fakeS3) bucketWith(u *Uploads, change func(*S3Config)) *S3 {
	f.t.Helper()
	var c S3Config
	c.SetDefaults()
	c.Endpoint, c.Name, c.AccessKey, c.SecretKey, c.Lookup = f.URL, "box", "AKID", "secret", lookupPath
	c.Timeouts = Timeouts{Connect: 2 * time.Second, FirstByte: 300 * time.Millisecond, Stall: 300 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	s, err := NewS3(c, "", u, slog.New(slog.NewTextHandler(f.t.Output(), nil)))
	if err != nil {
		f.t.Fatal(err)
	}
	s.pace = pace{first: time.Millisecond, longest: 4 * time.Millisecond, readOnly: 5 * time.Millisecond, limit: time.Minute}
	f.t.Cleanup(s.client.pool.closeIdle)
	f.t.Cleanup(s.writes.CloseIdleConnections)
	return s
}

// ready is bucket after its probe.
func (f *fakeS3) ready(change func(*S3Config)) *S3 {
	f.t.Helper()
	s := f.bucket(change)
	able, err := s.probe(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	s.learnt(able)
	f.mu.Lock()
	f.requests = nil
	f.mu.Unlock()
	return s
}

// run runs s until the test ends.
func run(t *testing.T, s *S3) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// eventually waits until ok, with a bound.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.Tick(time.Millisecond); !ok(); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func (f *fakeS3) put(key, data string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[key] = &fakeObject{data: []byte(data), header: http.Header{"Content-Type": {"text/plain"}}}
}

func (f *fakeS3) seen(method string) (seen []fakeRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if method == "" || r.method == method {
			seen = append(seen, r)
		}
	}
	return seen
}

func (f *fakeS3) keys() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.objects))
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	req := fakeRequest{method: r.Method, uri: r.RequestURI, header: r.Header, body: body}
	req.key, _ = strings.CutPrefix(r.URL.Path, "/box/")
	f.mu.Lock()
	f.requests = append(f.requests, req)
	answer := f.answer
	f.mu.Unlock()
	if answer != nil && answer(w, req) {
		return
	}
	if f.lose != nil && f.lose(req) {
		f.carryOut(httptest.NewRecorder(), r, req)
		raw(w, "", nil)
		return
	}
	f.carryOut(w, r, req)
}

func (f *fakeS3) carryOut(w http.ResponseWriter, r *http.Request, req fakeRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q, body := r.URL.Query(), req.body
	if sse := r.Header.Get("X-Amz-Server-Side-Encryption"); sse != "" && !f.plain {
		w.Header().Set("X-Amz-Server-Side-Encryption", sse)
	}
	switch {
	case r.Method == "GET" && q.Has("uploadId"):
		f.listParts(w, q)
	case r.Method == "GET" && q.Has("uploads"):
		f.listUploads(w, q)
	case r.Method == "GET" || r.Method == "HEAD":
		f.get(w, r, req.key)
	case r.Method == "DELETE" && q.Has("uploadId"):
		if f.uploads[q.Get("uploadId")] == nil {
			fail(w, 404, "NoSuchUpload")
			return
		}
		delete(f.uploads, q.Get("uploadId"))
		w.WriteHeader(204)
	case r.Method == "DELETE" && f.stopped(w, r, req.key, f.ignoreDelete):
	case r.Method == "DELETE":
		delete(f.objects, req.key)
		w.WriteHeader(204)
	case r.Method == "POST" && q.Has("uploads"):
		f.begun++
		id := strconv.Itoa(f.begun)
		f.names[id] = req.key
		f.uploads[id] = map[int][]byte{}
		fmt.Fprintf(w, `<InitiateMultipartUploadResult><Bucket>box</Bucket><UploadId>%s</UploadId></InitiateMultipartUploadResult>`, id)
	case r.Method == "PUT" && q.Has("uploadId"):
		f.putPart(w, req, q)
	case r.Method == "POST":
		f.complete(w, r, req, q.Get("uploadId"))
	case r.Method == "PUT":
		if f.stopped(w, r, req.key, f.ignorePut) {
			return
		}
		f.objects[req.key] = &fakeObject{data: body, header: r.Header}
		w.Header().Set("ETag", f.told(req, etagOf(body)))
	}
}

// told is the ETag that a PUT is answered with.
func (f *fakeS3) told(r fakeRequest, etag string) string {
	if f.etag != nil {
		return f.etag(r, etag)
	}
	return etag
}

func etagOf(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (f *fakeS3) complete(w http.ResponseWriter, r *http.Request, req fakeRequest, id string) {
	key := req.key
	parts, ok := f.uploads[id]
	if !ok {
		fail(w, 404, "NoSuchUpload")
		return
	}
	if f.stopped(w, r, key, f.ignoreComplete) {
		return
	}
	var data []byte
	if !f.asListed(req.body, parts) {
		fail(w, 400, "InvalidPart")
		return
	}
	for _, n := range slices.Sorted(maps.Keys(parts)) {
		data = append(data, parts[n]...)
	}
	delete(f.uploads, id)
	f.objects[key] = &fakeObject{data: data, header: http.Header{}}
	xml.NewEncoder(w).Encode(struct {
		XMLName      xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, ETag string
	}{Bucket: "box", ETag: etagOf(data)})
}

// stopped answers a write whose condition does not hold.
func (f *fakeS3) stopped(w http.ResponseWriter, r *http.Request, key string, ignore bool) bool {
	old := f.objects[key]
	match := r.Header.Get("If-Match")
	switch {
	case ignore:
		return false
	case r.Header.Get("If-None-Match") == "*" && old != nil, match != "" && old != nil && etagOf(old.data) != match:
		fail(w, 412, "PreconditionFailed")
	case match != "" && old == nil:
		fail(w, 404, "NoSuchKey")
	default:
		return false
	}
	return true
}

func (f *fakeS3) get(w http.ResponseWriter, r *http.Request, key string) {
	obj := f.objects[key]
	if obj == nil {
		fail(w, 404, "NoSuchKey")
		return
	}
	for name, values := range obj.header {
		if strings.HasPrefix(name, "X-Amz-Meta-") || name == "Content-Type" || name == "Content-Encoding" {
			w.Header()[name] = values
		}
	}
	w.Header().Set("ETag", etagOf(obj.data))
	http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), strings.NewReader(string(obj.data)))
}

// fail writes an S3 error.
func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>Said so.</Message></Error>`, code)
}

// raw takes over the connection, writes text and then does what then says with it before it is closed.
func raw(w http.ResponseWriter, text string, then func(net.Conn)) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	io.WriteString(c, text)
	if then != nil {
		then(c)
	}
}

// waitClosed keeps a connection open until the other side closes it.
func waitClosed(c net.Conn) { io.Copy(io.Discard, c) }
