package accesslog

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// jsonLine has the fields that are looked at; all others are passed over. Where there are several names for one thing,
// those behind the first are nginx's own.
type jsonLine struct {
	Request string `json:"request"` // "GET /path HTTP/1.1"; or the next two

	Method        string `json:"method"`
	RequestMethod string `json:"request_method"`
	URI           string `json:"uri"` // with the query
	RequestURI    string `json:"request_uri"`

	Host     string `json:"host"`
	HTTPHost string `json:"http_host"`

	Status scalar `json:"status"`

	Time      scalar `json:"time"` // RFC 3339, as in combined, or seconds since 1970
	TimeISO   scalar `json:"time_iso8601"`
	TimeLocal scalar `json:"time_local"`
	Msec      scalar `json:"msec"`

	Range           string `json:"http_range"`
	IfNoneMatch     string `json:"http_if_none_match"`
	IfModifiedSince string `json:"http_if_modified_since"`
}

// scalar is a string or a number.
type scalar string

func (s *scalar) UnmarshalJSON(text []byte) error {
	switch {
	case text[0] == '"':
		var inner string
		err := json.Unmarshal(text, &inner)
		*s = scalar(inner)
		return err
	case string(text) == "null":
		return nil
	case text[0] == '{', text[0] == '[', text[0] == 't', text[0] == 'f':
		return fmt.Errorf("%.40s is neither a string nor a number", text)
	}
	*s = scalar(text)
	return nil
}

func parseJSON(line string, into *Request) (Skip, error) {
	if !utf8.ValidString(line) {
		return SkipBytes, nil // the decoder would put U+FFFD in their place, and that is another request
	}
	var l jsonLine
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		return "", fmt.Errorf("not a line of JSON as it should be: %w", err)
	}
	if err := l.meta(into); err != nil {
		return "", err
	}
	if l.Request != "" {
		return into.setLine(l.Request), nil
	}
	method, target := first(l.Method, l.RequestMethod), first(l.URI, l.RequestURI)
	switch {
	case target == "":
		return "", errors.New(`it has neither "request" nor "uri" (or "request_uri"): name the fields so`)
	case method == "":
		return "", errors.New(`it has "uri" and no "method" (or "request_method"): name the fields so`)
	}
	return into.set(method, target), nil
}

// meta takes everything but the request itself.
func (l jsonLine) meta(into *Request) error {
	into.Host = first(l.Host, l.HTTPHost)
	if into.Host == "-" {
		into.Host = ""
	}
	if into.Host != "" && !isHost(into.Host) {
		return fmt.Errorf("the host %.80q cannot stand in a Host header", into.Host)
	}
	if l.Status != "" && l.Status != "-" {
		status, err := parseStatus([]string{string(l.Status)})
		if err != nil {
			return err
		}
		into.Status = status
	}
	into.Header = l.header()
	return l.at(&into.Time)
}

func (l jsonLine) at(into *time.Time) (err error) {
	text := string(first(l.Time, l.TimeISO, l.TimeLocal, l.Msec))
	if text == "" {
		return nil
	}
	if *into, err = time.Parse(time.RFC3339Nano, text); err == nil {
		return nil
	}
	if *into, err = time.Parse(combinedTime, text); err == nil {
		return nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds < 1<<33) {
		return fmt.Errorf("the time %.40q is neither RFC 3339 nor seconds since 1970", text)
	}
	*into = time.UnixMicro(int64(seconds * 1e6))
	return nil
}

func (l jsonLine) header() http.Header {
	var h http.Header
	for name, value := range map[string]string{
		"Range": l.Range, "If-None-Match": l.IfNoneMatch, "If-Modified-Since": l.IfModifiedSince,
	} {
		if value == "" || value == "-" || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			continue
		}
		if h == nil {
			h = make(http.Header)
		}
		h.Set(name, value)
	}
	return h
}

func first[T ~string](values ...T) T {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
