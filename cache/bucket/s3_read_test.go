package bucket

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

// The path goes out encoded once and uncleaned, in both lookup styles, and no query goes with it.
func TestPathOnTheWire(t *testing.T) {
	f := newFakeS3(t, false)
	s := f.bucket(nil)
	s.able.Store(&abilities{kept: probedForms})
	for _, base := range []string{"/box/", "/"} {
		s.client.endpoint.base = base
		for key, want := range map[string]string{
			"a": "a", "a b+c": "a%20b%2Bc", "图/é.png": "%E5%9B%BE/%C3%A9.png", "a//b": "a//b", "/x": "/x", "//": "//",
			"./d/../e": "./d/../e", "..": "..", "100%41": "100%2541", "q?x=1&y#z": "q%3Fx%3D1%26y%23z", "http://h": "http%3A//h",
			"~-_.": "~-_.", "a;b": "a%3Bb", "x@y": "x%40y", "a/": "a/", "c\x01": "c%01",
		} {
			if obj, err := s.Open(t.Context(), key, cache.ReadOptions{}); err == nil {
				obj.Body.Close()
			}
			seen := f.seen("")
			if got := seen[len(seen)-1].uri; got != base+want {
				t.Errorf("key %q went out as %q, want %q", key, got, base+want)
			}
		}
	}
}

func TestAnswersToGet(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\n"
	range1 := &cache.Range{First: 1, Last: 2}
	for name, test := range map[string]struct {
		answer  string
		options cache.ReadOptions
		want    string // of the error, or of the body after "="
	}{
		"whole":             {ok + "Content-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "=hello"},
		"short":             {ok + "Content-Length: 9\r\n\r\nhello", cache.ReadOptions{}, "body cut 4 bytes before its end"},
		"no length":         {ok + "Connection: close\r\n\r\nhello", cache.ReadOptions{}, "no Content-Length"},
		"chunked":           {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", cache.ReadOptions{}, "no Content-Length"},
		"two lengths":       {ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", cache.ReadOptions{}, "ontent-Length"},
		"range":             {"HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 1-2/5\r\n\r\nel", cache.ReadOptions{Range: range1}, "=el"},
		"range ignored":     {ok + "Content-Length: 5\r\n\r\nhello", cache.ReadOptions{Range: range1}, "=hello"},
		"another range":     {"HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/5\r\n\r\nhe", cache.ReadOptions{Range: range1}, "another part"},
		"range and length":  {"HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 1-2/5\r\n\r\nell", cache.ReadOptions{Range: range1}, "another part"},
		"range unasked":     {"HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 1-2/5\r\n\r\nel", cache.ReadOptions{}, "not asked for"},
		"range of nothing":  {ok + "Content-Length: 0\r\n\r\n", cache.ReadOptions{Range: range1}, "range not satisfiable in an object of 0 bytes"},
		"after a 100":       {"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: </x>\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "=hello"},
		"only a 100":        {"HTTP/1.1 100 C\r\n\r\n", cache.ReadOptions{}, "cut in its header"},
		"101":               {"HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "status 101"},
		"HTTP/1.0":          {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "=hello"},
		"HTTP/2.0":          {"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "malformed"},
		"old and no length": {"HTTP/1.0 200 OK\r\n\r\nhello", cache.ReadOptions{}, "no Content-Length"},
		"length and chunks": {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", cache.ReadOptions{}, "no Content-Length"},
		"a signed length":   {ok + "Content-Length: +5\r\n\r\nhello", cache.ReadOptions{}, "malformed answer: Content-Length"},
		"a list of lengths": {ok + "Content-Length: 5, 5\r\n\r\nhello", cache.ReadOptions{}, "malformed answer: Content-Length"},
		"an endless length": {ok + "Content-Length: 9999999999999999999\r\n\r\nhello", cache.ReadOptions{}, "malformed answer: Content-Length"},
		"a space in a name": {ok + "Content-Length : 5\r\n\r\nhello", cache.ReadOptions{}, "malformed answer: header line"},
		"a folded line":     {ok + "A: b\r\n Content-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "malformed answer: header line"},
		"a NUL":             {ok + "A: \x00\r\nContent-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "malformed answer: header line"},
		"bare LF":           {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", cache.ReadOptions{}, "does not end in CR LF"},
		"cut in its header": {ok + "Content-Le", cache.ReadOptions{}, "cut in its header"},
		"a long header":     {ok + "A: " + strings.Repeat("a", 9000) + "\r\nContent-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "=hello"},
		"an endless header": {ok + strings.Repeat("A: b\r\n", 4000) + "Content-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "more than 16384 bytes"},
		"endless 100s":      {strings.Repeat("HTTP/1.1 100 C\r\n\r\n", 1000) + ok + "Content-Length: 5\r\n\r\nhello", cache.ReadOptions{}, "more than 16384 bytes"},
		"nothing at all":    {"", cache.ReadOptions{}, "closed the connection"},
		"not HTTP":          {"SSH-2.0-OpenSSH\r\n\r\n", cache.ReadOptions{}, "bucket get"},
		"redirect":          {"HTTP/1.1 301 M\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", cache.ReadOptions{}, "status 301"},
		"not modified":      {"HTTP/1.1 304 N\r\n\r\n", cache.ReadOptions{}, "status 304"},
		"a proxy's 404":     {"HTTP/1.1 404 N\r\nContent-Length: 9\r\n\r\n<html>404", cache.ReadOptions{}, "status 404"},
		"404 of no length":  {"HTTP/1.1 404 N\r\nConnection: close\r\n\r\n<Error><Code>NoSuch", cache.ReadOptions{}, "status 404"},
		"416 with its size": {"HTTP/1.1 416 N\r\nContent-Range: bytes */7\r\nContent-Length: 0\r\n\r\n", cache.ReadOptions{Range: range1}, "of 7 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeS3(t, false)
			f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { raw(w, test.answer, nil); return true }
			got := fetched(t, f.bucket(nil), test.options)
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// fetched opens and reads "a", and gives "=" and the body, or the error; without a body it is "=nothing".
func fetched(t *testing.T, s *S3, o cache.ReadOptions) string {
	t.Helper()
	obj, err := s.Open(t.Context(), "a", o)
	if err != nil {
		if errors.Is(err, cache.ErrNotFound) {
			return "not found"
		}
		return err.Error()
	}
	if obj.Body == nil {
		return "=nothing"
	}
	defer obj.Body.Close()
	data, err := io.ReadAll(obj.Body)
	if err != nil {
		return err.Error()
	}
	return "=" + string(data)
}

// A bucket that stops answering is an error within the limits, wherever it stops.
func TestStalls(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"before the header": {"", "timeouts.first_byte"},
		"in the header":     {"HTTP/1.1 200 OK\r\nCont", "bucket get"},
		"in the body":       {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello", "timeouts.stall"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeS3(t, false)
			f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { raw(w, test.text, waitClosed); return true }
			if got := fetched(t, f.bucket(nil), cache.ReadOptions{}); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A body may take longer than any limit as long as it moves.
func TestSlowBodyIsNotAStall(t *testing.T) {
	f := newFakeS3(t, false)
	f.answer = func(w http.ResponseWriter, _ fakeRequest) bool {
		raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", func(c net.Conn) {
			tick := time.NewTicker(70 * time.Millisecond)
			defer tick.Stop()
			for range 10 {
				<-tick.C
				io.WriteString(c, "x")
			}
		})
		return true
	}
	if got := fetched(t, f.bucket(nil), cache.ReadOptions{}); got != "=xxxxxxxxxx" {
		t.Errorf("got %q", got)
	}
}

// The deadline of the caller holds for the header.
func TestCallersDeadline(t *testing.T) {
	f := newFakeS3(t, false)
	f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { raw(w, "", waitClosed); return true }
	s := f.bucket(func(c *S3Config) { c.Timeouts.FirstByte = time.Hour })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Open(ctx, "a", cache.ReadOptions{}); err == nil {
		t.Error("no error")
	}
}

// Closing a body ends a read that waits, and gives the slot back.
func TestCloseEndsRead(t *testing.T) {
	f := newFakeS3(t, false)
	f.answer = func(w http.ResponseWriter, _ fakeRequest) bool {
		raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", waitClosed)
		return true
	}
	s := f.bucket(func(c *S3Config) { c.Timeouts.Stall = time.Hour })
	obj, err := s.Open(t.Context(), "a", cache.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(obj.Body, first); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := obj.Body.Read(make([]byte, 1))
		done <- err
	}()
	obj.Body.Close()
	if err := <-done; err == nil || err == io.EOF {
		t.Errorf("read = %v, want an error", err)
	}
	obj.Body.Close()
	if n := len(s.client.slots); n != 0 {
		t.Errorf("%d slots are still taken", n)
	}
}

// An idle connection that the server has closed is replaced once, without the caller noticing; a fresh one that fails
// is not asked again. Read to their ends, answers share one connection.
func TestStaleConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		f := newFakeS3(t, secure)
		f.put("a", "hello")
		s := f.bucket(trusting(t, f))
		for range 3 {
			if got := fetched(t, s, cache.ReadOptions{}); got != "=hello" {
				t.Fatalf("got %q", got)
			}
		}
		if f.conns != 1 {
			t.Errorf("%d connections, want 1", f.conns)
		}
		f.CloseClientConnections()
		if got := fetched(t, s, cache.ReadOptions{}); got != "=hello" {
			t.Errorf("after the server closed: %q", got)
		}
	}
	f := newFakeS3(t, false)
	f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { raw(w, "", nil); return true }
	fetched(t, f.bucket(nil), cache.ReadOptions{})
	if n := len(f.seen("")); n != 1 {
		t.Errorf("a fresh connection that failed was asked %d times, want once", n)
	}
}

// trusting makes a configuration for a TLS server trust its certificate.
func trusting(t *testing.T, f *fakeS3) func(*S3Config) {
	if f.Certificate() == nil {
		return nil
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *S3Config) { c.CAFile, c.Timeouts.FirstByte = file, 5*time.Second }
}

// Over TLS reading, writing and the probe work with the configured authority only.
func TestTLS(t *testing.T) {
	f := newFakeS3(t, true)
	s := f.ready(trusting(t, f))
	err := s.Put(t.Context(), "a", strings.NewReader("hello"), cache.Meta{Size: 5}, cache.PutOptions{})
	if got := fetched(t, s, cache.ReadOptions{}); err != nil || got != "=hello" {
		t.Errorf("put %v, got %q", err, got)
	}
	if got := fetched(t, f.bucket(nil), cache.ReadOptions{}); !strings.Contains(got, "certificate") {
		t.Errorf("without ca_file: %q", got)
	}
}

// Only "no such key" is a miss.
func TestRefusals(t *testing.T) {
	deleted := func(w http.ResponseWriter) { w.Header().Set("X-Amz-Delete-Marker", "true"); fail(w, 404, "NoSuchKey") }
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter)
		change func(*S3Config)
		want   error
	}{
		"no key":             {func(w http.ResponseWriter) { fail(w, 404, "NoSuchKey") }, nil, cache.ErrNotFound},
		"no bucket":          {func(w http.ResponseWriter) { fail(w, 404, "NoSuchBucket") }, nil, nil},
		"no code":            {func(w http.ResponseWriter) { w.WriteHeader(404) }, nil, nil},
		"delete marker":      {deleted, nil, cache.ErrDeleted},
		"delete marker miss": {deleted, func(c *S3Config) { c.DeleteMarker = markerMiss }, cache.ErrNotFound},
		"archived":           {func(w http.ResponseWriter) { fail(w, 403, "InvalidObjectState") }, with403, nil},
		"wrong signature":    {func(w http.ResponseWriter) { fail(w, 403, "SignatureDoesNotMatch") }, with403, nil},
		"denied":             {func(w http.ResponseWriter) { fail(w, 403, "AccessDenied") }, nil, nil},
		"precondition":       {func(w http.ResponseWriter) { fail(w, 412, "PreconditionFailed") }, nil, cache.ErrPrecondition},
		"key form":           {func(w http.ResponseWriter) { fail(w, 400, "XMinioInvalidObjectName") }, nil, cache.ErrKeyForm},
		"bad request":        {func(w http.ResponseWriter) { fail(w, 400, "InvalidRequest") }, nil, nil},
		"overload":           {func(w http.ResponseWriter) { fail(w, 503, "SlowDown") }, nil, nil},
	} {
		f := newFakeS3(t, false)
		f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { test.answer(w); return true }
		s := f.bucket(test.change)
		for _, o := range []cache.ReadOptions{{}, {HeadersOnly: true}, {Range: &cache.Range{First: 5, Last: -1}}} {
			_, err := s.Open(t.Context(), "a", o)
			var failure *cache.BucketError
			if test.want != nil && !errors.Is(err, test.want) || test.want == nil && !errors.As(err, &failure) {
				t.Errorf("%s: %+v: got error %v, want %v", name, o, err, test.want)
			}
		}
		if n := len(s.client.slots); n != 0 {
			t.Errorf("%s: %d slots are still taken", name, n)
		}
	}
}

func with403(c *S3Config) { c.MissingIs = []int{404, 403} }

// A 403 is a miss only while the canary can be read.
func TestCanary(t *testing.T) {
	f := newFakeS3(t, false)
	broken := false
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if r.key == canaryName && !broken {
			return false
		}
		if r.key == canaryName {
			fail(w, 403, "InvalidAccessKeyId")
		} else if r.method == "GET" || r.method == "HEAD" {
			fail(w, 403, "AccessDenied")
		} else {
			return false
		}
		return true
	}
	s := f.bucket(with403)
	now := time.Now()
	s.canary.now = func() time.Time { return now }
	open := func(o cache.ReadOptions) error {
		_, err := s.Open(t.Context(), "a", o)
		return err
	}
	if err := open(cache.ReadOptions{}); errors.Is(err, cache.ErrNotFound) {
		t.Fatal("a miss without a canary")
	}
	f.put(canaryName, "alive")
	now = now.Add(canaryRepeat)
	for _, o := range []cache.ReadOptions{{}, {HeadersOnly: true}} {
		if err := open(o); !errors.Is(err, cache.ErrNotFound) {
			t.Errorf("with a canary: got error %v, want ErrNotFound", err)
		}
	}
	broken = true
	now = now.Add(canaryFresh - time.Nanosecond)
	if err := open(cache.ReadOptions{}); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("within 10 s: got error %v, want ErrNotFound", err)
	}
	now = now.Add(time.Nanosecond)
	var failure *cache.BucketError
	if err := open(cache.ReadOptions{}); !errors.As(err, &failure) {
		t.Errorf("after 10 s with a revoked key: got error %v, want a BucketError", err)
	}
}

// The probe makes the canary, and leaves it.
func TestCanaryIsMade(t *testing.T) {
	f := newFakeS3(t, false)
	f.ready(with403)
	if got := f.keys(); len(got) != 1 || got[0] != canaryName {
		t.Errorf("keys after the probe = %q", got)
	}
}

// A 416 without a size is looked up.
func TestRangeOutsideWithoutSize(t *testing.T) {
	f := newFakeS3(t, false)
	f.put("a", "hello")
	f.answer = func(w http.ResponseWriter, r fakeRequest) bool {
		if r.method == "GET" {
			fail(w, 416, "InvalidRange")
		}
		return r.method == "GET"
	}
	if got := fetched(t, f.bucket(nil), cache.ReadOptions{Range: &cache.Range{First: 9, Last: -1}}); !strings.Contains(got, "of 5 bytes") {
		t.Errorf("got %q", got)
	}
}

func TestHeadersOfObjects(t *testing.T) {
	f := newFakeS3(t, false)
	for coding, want := range map[string]string{
		"aws-chunked": "", "aws-chunked,gzip": "gzip", "gzip, AWS-Chunked": "gzip", "br": "br", "": "",
	} {
		text := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nexpires: 0\r\nx-amz-meta-Colour: red\r\nx-amz-meta-mg-x: y\r\n" +
			"last-modified: Tue, 14 Nov 2023 22:13:20 GMT\r\netag: \"e\"\r\nSet-Cookie: a=b\r\nServer: s\r\n"
		if coding != "" {
			text += "Content-Encoding: " + coding + "\r\n"
		}
		f.answer = func(w http.ResponseWriter, _ fakeRequest) bool { raw(w, text+"\r\n", nil); return true }
		obj, err := f.bucket(nil).Open(t.Context(), "a", cache.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		obj.Body.Close()
		m := obj.Meta
		if m.ContentEncoding != want || m.ContentType != "" || m.Expires != "0" || m.Bucket.ETag != `"e"` ||
			m.Bucket.LastModified.Unix() != 1_700_000_000 || len(m.User) != 1 || m.User["colour"] != "red" {
			t.Errorf("%s: meta = %+v", coding, m)
		}
	}
}
