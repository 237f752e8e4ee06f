package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// NginxRequest is a request that an nginx has answered.
type NginxRequest struct {
	Method string
	Target string // path and query as they came
	Query  string
	Status int
	Bytes  int64       // of the body that were sent
	Header http.Header // the logged ones that the request had; names as http.Header has them
}

// Requests returns the requests that have ended up to now, in the order in which they ended. The log is written a
// moment after the client has the answer: wait with WaitRequests for those that must have come.
func (n *Nginx) Requests(t testing.TB) []NginxRequest {
	t.Helper()
	requests, err := n.requests()
	if err != nil {
		t.Fatalf("reading the access log of nginx: %v", err)
	}
	return requests
}

// WaitRequests waits until at least count requests have ended, and returns all.
func (n *Nginx) WaitRequests(t testing.TB, count int) []NginxRequest {
	t.Helper()
	var requests []NginxRequest
	Eventually(t, 10*time.Second, func() (err error) {
		requests, err = n.requests()
		if err == nil && len(requests) < count {
			err = fmt.Errorf("%d requests in the log of nginx, waiting for %d", len(requests), count)
		}
		return err
	})
	return requests
}

func (n *Nginx) requests() ([]NginxRequest, error) {
	text, err := os.ReadFile(n.log)
	if err != nil {
		return nil, err
	}
	var requests []NginxRequest
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		r, err := parseRequest(line)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		requests = append(requests, r)
	}
	return requests, nil
}

func parseRequest(line string) (NginxRequest, error) {
	var r NginxRequest
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		return r, err
	}
	header := http.Header{}
	for name, values := range r.Header {
		if values[0] != "" {
			header.Set(name, values[0])
		}
	}
	r.Header = header
	return r, nil
}
