package admin

import (
	"context"
	"net/http"
)

// Ask is one URL that an origin would be asked.
type Ask struct {
	Target string `json:"role"` // primary or backup
	URL    string `json:"url"`
}

// Explanation is what one request would do. It is JSON for scripts: names are only added.
type Explanation struct {
	Site     string            `json:"site,omitempty"`
	Key      string            `json:"key,omitempty"`
	Answer   string            `json:"answer"`         // what happens, in a sentence
	Rule     string            `json:"rule,omitempty"` // "" when none matches
	Mode     string            `json:"mode,omitempty"`
	State    string            `json:"state,omitempty"` // of the rule, if it is not active
	When     string            `json:"when,omitempty"`  // always or miss
	Asks     []Ask             `json:"asks,omitempty"`  // in the order in which they are asked
	Location string            `json:"location,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"` // as sent to the origin; secrets are masked
	StoredAs string            `json:"stored_as,omitempty"`
	Keep     bool              `json:"keep"` // the copy is saved, unless the origin's answer forbids it
	Why      string            `json:"why,omitempty"`
}

// ExplainFunc explains a client's request for a URL, asking nobody. The error says what is wrong with the URL.
type ExplainFunc func(url string, header http.Header) (Explanation, error)

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
type TrialFunc func(ctx context.Context, method, url string, header http.Header) (Trial, error)
