package bucket

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// storedOf copies what a bucket keeps with an object out of the answer's header.
func storedOf(h *fasthttp.ResponseHeader) cache.Stored {
	h.SetNoDefaultContentType(true)
	s := cache.Stored{ContentType: string(h.ContentType()), ContentEncoding: contentCoding(string(h.ContentEncoding()))}
	for name, value := range h.All() {
		switch string(name) {
		case fasthttp.HeaderETag, "Etag":
			s.ETag = string(value)
		case fasthttp.HeaderLastModified:
			if t, err := http.ParseTime(string(value)); err == nil {
				s.LastModified = t.UTC()
			}
		case fasthttp.HeaderContentDisposition:
			s.ContentDisposition = string(value)
		case fasthttp.HeaderCacheControl:
			s.CacheControl = string(value)
		case fasthttp.HeaderExpires:
			s.Expires = string(value)
		case fasthttp.HeaderContentLanguage:
			s.ContentLanguage = string(value)
		default:
			if user, ok := bytes.CutPrefix(name, userPrefix); ok && len(user) > 0 {
				if s.User == nil {
					s.User = make(map[string]string, 8)
				}
				s.User[lower(user)] = string(value)
			}
		}
	}
	return s
}

var userPrefix = []byte("X-Amz-Meta-")

// lower is strings.ToLower for a header name that is only good until the next request.
func lower(name []byte) string {
	buf := append(make([]byte, 0, 64), name...)
	for i, c := range buf {
		if 'A' <= c && c <= 'Z' {
			buf[i] = c + 'a' - 'A'
		}
	}
	return string(buf)
}

// contentCoding leaves out aws-chunked: it is the coding of an upload, which some servers give back by mistake.
func contentCoding(value string) string {
	if !strings.Contains(strings.ToLower(value), "aws-chunked") {
		return value
	}
	var codings []string
	for coding := range strings.SplitSeq(value, ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "aws-chunked") {
			codings = append(codings, coding)
		}
	}
	return strings.Join(codings, ", ")
}
