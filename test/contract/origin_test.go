package contract_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// origin is a hand-written web server that remembers what it was asked.
type origin struct {
	url, addr string

	mu   sync.Mutex
	seen []asked
}

// asked is a request as it came.
type asked struct {
	method, target, host string
	header               http.Header
}

// startOrigin runs an origin. Handlers that wait for the end of the request's context do not outlive the test.
func startOrigin(t *testing.T, handler http.HandlerFunc) *origin {
	t.Helper()
	o := &origin{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.note(r)
		handler(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	o.url, o.addr = server.URL, server.Listener.Addr().String()
	return o
}

// startRawOrigin runs an origin that answers in whatever bytes it likes: reply writes the answer, and the connection is
// closed behind it.
func startRawOrigin(t *testing.T, reply func(conn net.Conn, r *http.Request)) *origin {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{addr: listener.Addr().String()}
	o.url = "http://" + o.addr
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { o.reply(conn, reply) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return o
}

func (o *origin) reply(conn net.Conn, reply func(net.Conn, *http.Request)) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // a connection that cannot have one fails at once
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	o.note(r)
	reply(conn, r)
}

// say answers with fixed bytes.
func say(text string) func(net.Conn, *http.Request) {
	return func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, text) }
}

// untilGone waits until the other side closes the connection.
func untilGone(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func (o *origin) note(r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, asked{r.Method, r.RequestURI, r.Host, r.Header.Clone()})
}

// requests are those that have come up to now.
func (o *origin) requests() []asked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.seen)
}

// count is how many requests for a target have come.
func (o *origin) count(target string) int {
	n := 0
	for _, r := range o.requests() {
		if r.target == target {
			n++
		}
	}
	return n
}

// wantTotal fails the test unless so many requests have come.
func (o *origin) wantTotal(t *testing.T, want int) {
	t.Helper()
	if all := o.requests(); len(all) != want {
		t.Errorf("the origin was asked %d times, want %d: %v", len(all), want, all)
	}
}

// last is the request that came last.
func (o *origin) last(t *testing.T) asked {
	t.Helper()
	all := o.requests()
	if len(all) == 0 {
		t.Fatal("the origin was not asked")
	}
	return all[len(all)-1]
}

// page is a fixed answer.
type page struct {
	status  int      // 0: 200
	header  []string // names and values
	body    string
	chunked bool
}

// ServeHTTP says nothing that the page does not say: no Content-Type is made up.
func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = nil
	for i := 0; i+1 < len(p.header); i += 2 {
		if p.header[i] == "Content-Type" {
			w.Header().Set("Content-Type", p.header[i+1])
			continue
		}
		w.Header().Add(p.header[i], p.header[i+1])
	}
	w.WriteHeader(max(p.status, http.StatusOK))
	if p.chunked {
		_ = http.NewResponseController(w).Flush() // the gateway may have gone
	}
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, p.body)
	}
}

// pages answers by path, and with 404 for what it does not have.
func pages(all map[string]page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := all[r.URL.Path]
		if !ok {
			p = page{status: http.StatusNotFound, body: "the origin's own page about what it does not have"}
		}
		p.ServeHTTP(w, r)
	}
}

// echo answers every path with the body "METHOD target".
func echo(w http.ResponseWriter, r *http.Request) {
	page{header: []string{"Content-Type", "text/plain", "ETag", `"` + strings.Trim(r.URL.Path, "/") + `"`},
		body: r.RequestURI}.ServeHTTP(w, r)
}

// gate lets a handler say that a request has come, and wait until the test lets it go on.
type gate struct {
	arrived chan struct{}
	opened  chan struct{}
	once    sync.Once
}

func newGate() *gate { return &gate{arrived: make(chan struct{}, 100), opened: make(chan struct{})} }

// pass announces a request and waits for open.
func (g *gate) pass(r *http.Request) {
	g.arrived <- struct{}{}
	select {
	case <-g.opened:
	case <-r.Context().Done():
	}
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }
