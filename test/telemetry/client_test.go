package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	objects = 50       // in the bucket
	large   = 12 << 20 // bytes of the origin's large objects
)

func object(n int) []byte { return bytes.Repeat([]byte{'m'}, 100+n) }

// startOrigin answers as the last part of the path says.
func startOrigin(t *testing.T) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; {
		case strings.HasPrefix(name, "absent"):
			http.NotFound(w, r)
		case strings.HasPrefix(name, "failing"):
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasPrefix(name, "large"):
			http.ServeContent(w, r, "large.bin", time.Unix(1, 0), bytes.NewReader(make([]byte, large)))
		default:
			_, _ = io.WriteString(w, "the origin's "+name)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// ledger is what was answered.
type ledger struct {
	answers map[string]int64 // by outcome and status
	whole   map[string]int64 // bytes of bodies that did not break off, by outcome
	bytes   map[string]int64 // of all bodies
	broken  int64
	ids     map[string]bool
}

func newLedger() *ledger {
	return &ledger{answers: map[string]int64{}, whole: map[string]int64{}, bytes: map[string]int64{}, ids: map[string]bool{}}
}

func (l *ledger) note(outcome string, status int, n int64, broke bool) {
	l.answers[fmt.Sprintf("%s %d", outcome, status)]++
	l.bytes[outcome] += n
	if broke {
		l.broken++
	} else {
		l.whole[outcome] += n
	}
}

func (l *ledger) add(other *ledger) {
	for key, n := range other.answers {
		l.answers[key] += n
	}
	for key, n := range other.whole {
		l.whole[key] += n
	}
	l.broken += other.broken
}

// client is one that keeps its connection.
type client struct {
	addr string
	http *http.Client
	seen *ledger
}

func newClient(addr string) *client {
	return &client{addr: addr, seen: newLedger(), http: &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// wish is what is asked for.
type wish struct {
	method, host, path, field, value string
	otherwise                        string // the outcome of an answer that does not say where it is from
}

// wishOf is the request of a number: of a hundred, forty are for memory, and the rest for everything else.
func wishOf(i int) wish {
	w := wish{method: http.MethodGet, host: "site.test", path: fmt.Sprintf("/m%d", i%objects)}
	hundred := i / 100
	switch n := i % 100; {
	case n < 4: // at one time
		w.path = fmt.Sprintf("/pull/a%d", hundred)
	case n < 10:
		w.path = fmt.Sprintf("/pull/absent%d", hundred%100)
	case n < 14:
		w.path = fmt.Sprintf("/deny/%d", i)
	case n < 18:
		w.path = fmt.Sprintf("/go/%d", i)
	case n < 20:
		w.path = "/pass/b"
	case n < 24:
		w.path, w.otherwise = fmt.Sprintf("/none%d", i), "missing"
	case n < 26:
		w.method, w.otherwise = http.MethodDelete, "refused"
	case n < 28:
		w.host, w.otherwise = "else.test", "refused"
	case n < 30:
		w.field, w.value, w.otherwise = "Range", "bytes=5000-", "refused"
	case n < 32:
		w.field, w.value, w.otherwise = "If-Match", `"other"`, "refused"
	case n < 33:
		w.path, w.otherwise = fmt.Sprintf("/fail/failing%d", i), "error"
	case n < 34:
		w.path, w.field, w.value = fmt.Sprintf("/pull/large%d", hundred%3), "Range", "bytes=9000000-9000999"
	case n < 40:
		w.method, w.path = http.MethodHead, fmt.Sprintf("/pull/h%d", hundred%10)
	case n < 50:
		w.field, w.value = "Range", "bytes=10-19"
	case n < 55:
		w.field, w.value = "If-None-Match", "*"
	case n < 60:
		w.method = http.MethodHead
	}
	return w
}

// ask sends the request of a number. One in a thousand leaves amid a large body.
func (c *client) ask(i int) error {
	if i%1000 == 999 {
		return c.leave()
	}
	w := wishOf(i)
	request, err := http.NewRequest(w.method, "http://"+c.addr+w.path, nil)
	if err != nil {
		return err
	}
	if request.Host = w.host; w.field != "" {
		request.Header.Set(w.field, w.value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	c.seen.note(w.outcome(response), response.StatusCode, n, false)
	return err
}

func (c *client) leave() error {
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, "GET /pass/large HTTP/1.1\r\nHost: site.test\r\n\r\n")
	n, failed := io.ReadFull(conn, make([]byte, 10_000))
	c.seen.note("proxied", http.StatusOK, int64(n), true)
	return errors.Join(err, failed, conn.Close())
}

// outcome is where an answer comes from, by what it says itself (RFC 9211).
func (w wish) outcome(response *http.Response) string {
	says := response.Header.Get("Cache-Status")
	for _, known := range []struct{ text, outcome string }{
		{"hit; detail=memory", "memory"}, {"hit; detail=bucket", "bucket"}, {"hit; detail=spool", "spool"},
		{"detail=negative", "negative"}, {"detail=deny", "denied"}, {"detail=redirect", "redirected"}, {"fwd=bypass", "proxied"},
		{"fwd=partial", "passed"}, {"collapsed", "joined"}, {"fwd-status=404", "negative"}, {"fwd-status=200", "mirrored"},
	} {
		if !strings.Contains(says, known.text) {
			continue
		}
		if known.outcome == "mirrored" && w.method == http.MethodHead {
			return "passed"
		}
		return known.outcome
	}
	return w.otherwise
}
