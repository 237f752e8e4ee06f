package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// origin is a web server that counts, for what nginx cannot do: hold a body back.
type origin struct {
	url string

	mu    sync.Mutex
	asked []string // method and target, in the order they came
}

func startOrigin(t *testing.T, handler http.HandlerFunc) *origin {
	t.Helper()
	o := &origin{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.asked = append(o.asked, r.Method+" "+r.RequestURI)
		o.mu.Unlock()
		handler(w, r)
	}))
	o.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections() // ends the contexts of handlers that wait
		server.Close()
	})
	return o
}

// requests are those that have come up to now.
func (o *origin) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.asked...)
}

// wantUnasked fails the test if there was any request.
func (o *origin) wantUnasked(t *testing.T) {
	t.Helper()
	if all := o.requests(); len(all) != 0 {
		t.Errorf("the origin was asked: %.300q", all)
	}
}

// fixed answers every GET and HEAD with a body.
func fixed(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(body) // the gateway may have gone
	}
}

// held is an origin whose bodies stop in the middle until the test lets them go on.
type held struct {
	*origin
	arrived chan string   // the path of each body that has stopped
	left    chan string   // the path of each body that the gateway gave up meanwhile
	opened  chan struct{} // closed: they go on
	once    sync.Once
}

// startHeld runs an origin that sends the bodies of a map by path, each with an ETag of its own.
func startHeld(t *testing.T, bodies map[string][]byte) *held {
	t.Helper()
	h := &held{arrived: make(chan string, 1000), left: make(chan string, 1000), opened: make(chan struct{})}
	h.origin = startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("Content-Type", "text/x-origin")
		w.Header().Set("ETag", `"of-the-origin"`)
		if r.Method == http.MethodHead {
			return
		}
		half := len(body) / 2
		_, _ = w.Write(body[:half])
		_ = http.NewResponseController(w).Flush()
		h.arrived <- r.URL.Path
		select {
		case <-h.opened:
			_, _ = w.Write(body[half:])
		case <-r.Context().Done():
			h.left <- r.URL.Path
		}
	})
	t.Cleanup(h.open)
	return h
}

// open lets all bodies go on, those that come later too.
func (h *held) open() { h.once.Do(func() { close(h.opened) }) }

// waitHeld waits until so many bodies have stopped in the middle.
func (h *held) waitHeld(t *testing.T, count int) {
	t.Helper()
	for range count {
		receive(t, "a pull to arrive at the origin", h.arrived)
	}
}

// receive takes a value from a channel within patience.
func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
		t.Fatalf("waited %v for %s", patience, what)
		panic("unreachable")
	}
}

// download is a request whose body is read beside the test.
type download struct {
	done chan result
}

type result struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// start begins a GET, and returns when its head has come.
func (r *rig) start(t *testing.T, target string) *download {
	t.Helper()
	response := r.Open(t, http.MethodGet, target)
	d := &download{done: make(chan result, 1)}
	go func() {
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		d.done <- result{response.StatusCode, response.Header, body, err}
	}()
	return d
}

// end waits for the end of the body.
func (d *download) end(t *testing.T) result {
	t.Helper()
	return receive(t, "a download to end", d.done)
}
