package harness

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// Answer is a response that was read to its end. Err tells that the body broke off before; Body is then what had come.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Err    error
}

// newHTTPClient returns a client that shows what the server sent: no redirect is followed, nothing is unpacked, no
// connection is kept, so that a restarted server is a new one.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true, ResponseHeaderTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get asks the gateway for a request target, "/path?query" percent-encoded as it is to be sent. The header is pairs of
// names and values; Host is the site.
func (g *Gateway) Get(t testing.TB, target string, header ...string) Answer {
	t.Helper()
	return g.Do(t, http.MethodGet, target, header...)
}

// Do is Get with another method. It fails the test if no response comes.
func (g *Gateway) Do(t testing.TB, method, target string, header ...string) Answer {
	t.Helper()
	response := g.Open(t, method, target, header...)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body, Err: err}
}

// Open is Do for a body of any size, which the caller reads and closes.
func (g *Gateway) Open(t testing.TB, method, target string, header ...string) *http.Response {
	t.Helper()
	response, err := g.client.Do(g.request(t, method, target, header))
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return response
}

func (g *Gateway) request(t testing.TB, method, target string, header []string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, g.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sent := request.URL.RequestURI(); sent != target {
		t.Fatalf("net/http would send %s for %s: use a plain connection for that", sent, target)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			request.Host = header[i+1]
			continue
		}
		request.Header.Add(header[i], header[i+1])
	}
	return request
}
