package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
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

// maxHeaders bounds the header fields of a request that is explained or tried.
const maxHeaders = 100

// explain takes the URL and the header fields of the request as parameters: url, and any number of header=Name: value.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	given, header, err := parseExplain(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	e, err := s.o.Explain(given, header)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, http.StatusOK, e)
}

func parseExplain(query string) (given string, header http.Header, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", nil, errors.New("the query cannot be read")
	}
	for name := range values {
		if name != "url" && name != "header" {
			return "", nil, fmt.Errorf("%q is not a parameter: there are url and header", name)
		}
	}
	if len(values["url"]) != 1 {
		return "", nil, errors.New("url must be given once")
	}
	if len(values["header"]) > maxHeaders {
		return "", nil, fmt.Errorf("there may be %d header fields", maxHeaders)
	}
	header = make(http.Header)
	for _, line := range values["header"] {
		name, value, colon := strings.Cut(line, ":")
		if !colon {
			return "", nil, fmt.Errorf("header %q must be 'Name: value'", line)
		}
		if err := addField(header, name, strings.TrimSpace(value)); err != nil {
			return "", nil, err
		}
	}
	return values.Get("url"), header, nil
}

// addField adds a field that a request can carry to its header.
func addField(header http.Header, name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("header %q has a name that no header field can have", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("header %q has a value that no header field can have", name)
	}
	header.Add(name, value)
	return nil
}
