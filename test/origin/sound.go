package origin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Sound makes the answer of an origin without fault: GET and HEAD, conditions, single ranges, If-Range (RFC 9110
// sections 13 and 14). Several ranges at once get the whole object.
func (r *Request) Sound() *Answer {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return Status(http.StatusMethodNotAllowed, "Allow: GET, HEAD")
	}
	h := &head{header: r.Object.fields()}
	http.ServeContent(h, r.asked(), "", r.Object.LastModified, r.Object.Truth.Reader())
	a := &Answer{Line: fmt.Sprintf("HTTP/1.1 %d %s", h.status, http.StatusText(h.status)), Header: lines(h.header)}
	a.Header = append(a.Header, r.Object.Header...)
	switch {
	case r.Method == http.MethodHead, h.status == http.StatusNotModified:
	case a.whole():
		a.Body = Body{Source: r.Object.Truth}
		a.Body.Length, _ = strconv.ParseInt(a.Get("Content-Length"), 10, 64) // ServeContent wrote it
		_, _ = fmt.Sscanf(a.Get("Content-Range"), "bytes %d-", &a.Body.From) // absent from a 200: from 0
	default:
		a.Body = Text(h.text.String())
		a.Set("Content-Length", strconv.Itoa(h.text.Len()))
	}
	if r.closeConn {
		a.Set("Connection", "close")
	}
	return a
}

// asked is the request as net/http wants it.
func (r *Request) asked() *http.Request {
	header := r.Header
	if strings.Contains(header.Get("Range"), ",") || r.Object.Truth.Size == 0 { // of nothing, net/http makes a 206
		header = header.Clone()
		header.Del("Range")
	}
	return (&http.Request{Method: r.Method, Header: header}).WithContext(r.context)
}

func (o Object) fields() http.Header {
	h := http.Header{"Content-Type": {o.Type}, "Date": {httpDate()}}
	if o.ETag != "" {
		h.Set("Etag", o.ETag)
	}
	return h
}

// lines is the header as it is written, in a stable order.
func lines(h http.Header) []string {
	var all []string
	for name, values := range h {
		for _, value := range values {
			all = append(all, name+": "+value)
		}
	}
	slices.Sort(all)
	return all
}

var errHeadOnly = errors.New("only the header is wanted")

// head takes the header that net/http decides on and keeps it from reading the object. What an error says is text.
type head struct {
	header http.Header
	status int
	text   strings.Builder
}

var _ io.Writer = (*head)(nil)

func (h *head) Header() http.Header    { return h.header }
func (h *head) WriteHeader(status int) { h.status = status }

func (h *head) Write(p []byte) (int, error) {
	if h.status == http.StatusOK || h.status == http.StatusPartialContent {
		return 0, errHeadOnly
	}
	return h.text.Write(p)
}
