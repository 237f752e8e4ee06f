package contract_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

// get asks for a target, which is sent as it stands. The header is pairs of names and values; Host is siteHost unless
// it is among them.
func (r *rig) get(t *testing.T, target string, header ...string) harness.Answer {
	t.Helper()
	return r.do(t, http.MethodGet, target, header...)
}

func (r *rig) head(t *testing.T, target string, header ...string) harness.Answer {
	t.Helper()
	return r.do(t, http.MethodHead, target, header...)
}

// do is get with another method.
func (r *rig) do(t *testing.T, method, target string, header ...string) harness.Answer {
	t.Helper()
	w := r.dial(t)
	defer w.conn.Close()
	w.send(t, request(method, target, header...))
	return w.answer(t, method)
}

// open is get for a body that the caller reads.
func (r *rig) open(t *testing.T, target string, header ...string) *http.Response {
	t.Helper()
	w := r.dial(t)
	w.send(t, request(http.MethodGet, target, header...))
	return w.receive(t, http.MethodGet)
}

// request is the text of a request. It asks for the connection to be closed unless the header says something else of
// it.
func request(method, target string, header ...string) string {
	var b strings.Builder
	host, connection := siteHost, "close"
	for i := 0; i+1 < len(header); i += 2 {
		switch header[i] {
		case "Host":
			host = header[i+1]
		case "Connection":
			connection = header[i+1]
		default:
			b.WriteString(header[i] + ": " + header[i+1] + "\r\n")
		}
	}
	return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: " + connection + "\r\n" + b.String() +
		"\r\n"
}

// wire is one connection to the gateway.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
}

// dial connects. Whatever is done with the connection ends after patience.
func (r *rig) dial(t *testing.T) *wire {
	t.Helper()
	conn, err := net.DialTimeout("tcp", r.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &wire{conn, bufio.NewReader(conn)}
}

// send writes text as it is. The gateway may close the connection before it has read all.
func (w *wire) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(w.conn, text); err != nil {
		t.Logf("sending: %v", err)
	}
}

// receive reads the head of the answer to a request with the method.
func (w *wire) receive(t *testing.T, method string) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	always(t, response.Header)
	return response
}

// answer reads a whole answer.
func (w *wire) answer(t *testing.T, method string) harness.Answer {
	t.Helper()
	response := w.receive(t, method)
	body, err := io.ReadAll(response.Body)
	return harness.Answer{Status: response.StatusCode, Header: response.Header, Body: body, Err: err}
}

// ends fails the test unless the gateway closes the connection without another byte.
func (w *wire) ends(t *testing.T) {
	t.Helper()
	if rest, err := io.ReadAll(w.in); len(rest) > 0 {
		t.Errorf("more came where the connection should have ended: %.200q (%v)", rest, err)
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("the connection stays open")
	}
}

// always is what holds for every answer of the gateway.
func always(t *testing.T, h http.Header) {
	t.Helper()
	if len(h.Values("X-Request-Id")) != 1 || h.Get("X-Request-Id") == "" {
		t.Errorf("X-Request-Id is %q", h.Values("X-Request-Id"))
	}
	if status := h.Values("Cache-Status"); len(status) > 1 || len(status) == 1 && !closedList(status[0]) {
		t.Errorf("Cache-Status %q is not in the list", status)
	}
	for name := range h {
		if strings.HasPrefix(strings.ToLower(name), "mg-") || strings.Contains(strings.ToLower(name), "x-amz-meta-mg-") {
			t.Errorf("%s is shown to a client", name)
		}
	}
}

// closedList tells whether a Cache-Status is one of those that there are.
func closedList(status string) bool {
	const rule = `rule="[a-z0-9-]{1,63}"`
	return regexp.MustCompile(`^mirrorgate; (` +
		`hit; detail=(memory|bucket|spool|negative)|` +
		`fwd=uri-miss; fwd-status=\d{3}(; stored)?(; collapsed)?; detail=(primary|backup); ` + rule + `|` +
		`fwd=partial; detail=(primary|backup); ` + rule + `|` +
		`fwd=uri-miss; detail=redirect; ` + rule + `|` +
		`fwd=bypass; ` + rule + `|` +
		`detail=(deny|paused|retired); ` + rule + `)$`).MatchString(status)
}

// The Cache-Status of objects.
const (
	hitBucket = "mirrorgate; hit; detail=bucket"
	hitSpool  = "mirrorgate; hit; detail=spool"
)

// saved is the Cache-Status of an object that comes from the primary and will be saved.
func saved(rule string) string {
	return `mirrorgate; fwd=uri-miss; fwd-status=200; stored; detail=primary; rule="` + rule + `"`
}

// streamed is the Cache-Status of an object that comes from the primary and will not be saved.
func streamed(rule string) string {
	return `mirrorgate; fwd=uri-miss; fwd-status=200; detail=primary; rule="` + rule + `"`
}

// wantObject fails the test unless the answer is the whole object, with this Cache-Status.
func wantObject(t *testing.T, a harness.Answer, body, cacheStatus string) {
	t.Helper()
	equal(t, "status", a.Status, http.StatusOK)
	equal(t, "body", string(a.Body), body)
	equal(t, "Cache-Status", a.Header.Get("Cache-Status"), cacheStatus)
	if a.Err != nil {
		t.Errorf("the body broke off: %v", a.Err)
	}
}

// wantHit fails the test unless the answer is the whole object from the bucket or the spool.
func wantHit(t *testing.T, a harness.Answer, body string) {
	t.Helper()
	cacheStatus := a.Header.Get("Cache-Status")
	if cacheStatus != hitSpool {
		cacheStatus = hitBucket
	}
	wantObject(t, a, body, cacheStatus)
}
