package contract_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

const liveRule = `{id: live, mode: proxy, when: always, match: {prefix: live/}, origin: {primary: "${ORIGIN}", max_concurrent: 2}}`

// Bodies of unknown length to HTTP/1.0 clients take over their connections. Whatever becomes of those, the places that
// the answers held are free again: a gateway with two of them answers many such requests one after the other.
func TestHTTP10GivesItsPlaceBack(t *testing.T) {
	o := startOrigin(t, page{chunked: true, body: "the whole body"}.ServeHTTP)
	r := serve(t, "limits: {max_inflight: 2}\n"+site("", liveRule), "ORIGIN="+o.url)
	for i := range 6 {
		target := fmt.Sprintf("/live/%d", i)
		// With a body that nobody asked for.
		w := r.dial(t)
		w.send(t, "GET "+target+" HTTP/1.0\r\nHost: site.test\r\nContent-Length: 70000\r\n\r\n"+strings.Repeat("x", 70000))
		a := w.answer(t, http.MethodGet)
		if a.Status != http.StatusServiceUnavailable { // the places of clients that have just gone may still be taken
			equal(t, "status", a.Status, http.StatusOK)
			equal(t, target, string(a.Body), "the whole body")
		}
		// Behind another answer, from a client that goes away at once.
		w = r.dial(t)
		w.send(t, "HEAD "+target+" HTTP/1.1\r\nHost: site.test\r\n\r\nGET "+target+" HTTP/1.0\r\nHost: site.test\r\n\r\n")
		if err := w.conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		w.conn.Close()
	}
	harness.Eventually(t, patience, func() error {
		if a := r.get(t, "/live/last"); a.Status != http.StatusOK {
			return fmt.Errorf("status %d in the end", a.Status)
		}
		return nil
	})
}

// A stopping gateway finishes such an answer; one whose grace is over cuts it so that it does not look complete.
func TestHTTP10AtShutdown(t *testing.T) {
	f := func(grace string, complete bool) {
		t.Helper()
		g := newGate()
		o := startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "first half, ")
			_ = http.NewResponseController(w).Flush()
			g.pass(r)
			_, _ = io.WriteString(w, "second half")
		})
		r := serve(t, "server: {listen: \"${LISTEN}\", grace: "+grace+"}\n"+site("", liveRule), "ORIGIN="+o.url)
		w := r.dial(t)
		w.send(t, "GET /live/x HTTP/1.0\r\nHost: site.test\r\n\r\n")
		response := w.receive(t, http.MethodGet)
		half := make([]byte, len("first half, "))
		if _, err := io.ReadFull(response.Body, half); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan int, 1)
		go func() { stopped <- r.Stop(t) }()
		if complete {
			time.AfterFunc(300*time.Millisecond, g.open)
		}
		rest, err := io.ReadAll(response.Body)
		if complete != (err == nil) || complete && string(rest) != "second half" {
			t.Errorf("grace %s: got %q, %v", grace, rest, err)
		}
		g.open()
		<-stopped
	}
	f("10s", true)
	f("500ms", false)
}
