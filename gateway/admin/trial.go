package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Trial is a real request that was sent to the gateway itself, and what it answered.
type Trial struct {
	Status  int         `json:"status"`
	Header  http.Header `json:"header"`
	Bytes   int64       `json:"bytes"` // of the body
	SHA256  string      `json:"sha256,omitempty"`
	Cut     bool        `json:"cut,omitempty"`   // the body was longer than a trial reads
	Error   string      `json:"error,omitempty"` // why the body broke off
	FirstMS float64     `json:"first_byte_ms"`   // until its header was there
	TotalMS float64     `json:"total_ms"`        // until its end
}

// TrialFunc sends a GET (or HEAD) for a URL to the gateway's own traffic listener. It follows no redirect.
// *InvalidError: it cannot be sent.
type TrialFunc func(ctx context.Context, method, url string, header http.Header) (Trial, error)

// TrialRequest is what a trial sends.
type TrialRequest struct {
	URL     string            `json:"url"`
	Method  string            `json:"method,omitempty"` // GET, which is the default, or HEAD
	Headers map[string]string `json:"headers,omitempty"`
}

func (s *Server) trial(w http.ResponseWriter, r *http.Request) {
	var req TrialRequest
	if !decode(w, r, "trial request", &req) {
		return
	}
	header, err := req.header()
	if err != nil {
		s.failWith(w, Invalid("headers", err.Error()))
		return
	}
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	t, err := s.o.Trial(r.Context(), req.Method, req.URL, header)
	var invalid *InvalidError
	switch {
	case errors.As(err, &invalid):
		s.failWith(w, err)
	case err != nil:
		fail(w, http.StatusBadGateway, "the gateway did not answer: "+err.Error())
	default:
		reply(w, http.StatusOK, t)
	}
}

func (t *TrialRequest) header() (http.Header, error) {
	if len(t.Headers) > maxHeaders {
		return nil, fmt.Errorf("there may be %d header fields", maxHeaders)
	}
	header := make(http.Header)
	for name, value := range t.Headers {
		if err := addField(header, name, value); err != nil {
			return nil, err
		}
	}
	return header, nil
}
