package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// conditions are the request's preconditions (RFC 9110 section 13.1), as they came. Times are zero when absent or
// malformed: section 13.1.3 has those ignored.
type conditions struct {
	ifMatch, ifNoneMatch, ifRange      string
	ifModifiedSince, ifUnmodifiedSince time.Time
}

// add notes a request header if it is one of them. Lines of a list are one list; of what is no list the first counts.
func (c *conditions) add(name, value []byte) {
	switch string(name) {
	case fasthttp.HeaderIfMatch:
		c.ifMatch = joined(c.ifMatch, value)
	case fasthttp.HeaderIfNoneMatch:
		c.ifNoneMatch = joined(c.ifNoneMatch, value)
	case fasthttp.HeaderIfRange:
		if c.ifRange == "" {
			c.ifRange = string(value)
		}
	case fasthttp.HeaderIfModifiedSince:
		if c.ifModifiedSince.IsZero() {
			c.ifModifiedSince = parseTime(value)
		}
	case fasthttp.HeaderIfUnmodifiedSince:
		if c.ifUnmodifiedSince.IsZero() {
			c.ifUnmodifiedSince = parseTime(value)
		}
	}
}

func joined(list string, line []byte) string {
	if list == "" {
		return string(line)
	}
	return list + "," + string(line)
}

func parseTime(v []byte) time.Time {
	if len(v) == 0 {
		return time.Time{}
	}
	t, err := http.ParseTime(string(v))
	if err != nil {
		return time.Time{}
	}
	return t
}

// none tells that the answer does not depend on the object's validators.
func (c *conditions) none() bool { return *c == conditions{} }

// status evaluates the preconditions in the order of RFC 9110 section 13.2.2: 0 to go on, 304 or 412. suffixes are
// what compression in front of the gateway adds to an ETag; without them an entity tag counts too, for 304 only.
func (c conditions) status(v cache.Validators, suffixes []string) int {
	switch {
	case c.ifMatch != "":
		if !matches(c.ifMatch, v.ETag, strongEqual) {
			return http.StatusPreconditionFailed
		}
	case !c.ifUnmodifiedSince.IsZero() && !v.LastModified.IsZero():
		if v.LastModified.After(c.ifUnmodifiedSince) {
			return http.StatusPreconditionFailed
		}
	}
	switch {
	case c.ifNoneMatch != "":
		weak := func(a, b string) bool { return weakEqual(a, b) || weakEqual(stripped(a, suffixes), b) }
		if matches(c.ifNoneMatch, v.ETag, weak) {
			return http.StatusNotModified
		}
	case !c.ifModifiedSince.IsZero() && !v.LastModified.IsZero():
		if !v.LastModified.After(c.ifModifiedSince) {
			return http.StatusNotModified
		}
	}
	return 0
}

// rangeHolds tells whether a Range may be honoured beside If-Range (RFC 9110 section 13.1.5): only under the very same
// strong validator.
func (c conditions) rangeHolds(v cache.Validators) bool {
	switch {
	case c.ifRange == "":
		return true
	case strings.HasPrefix(c.ifRange, `"`):
		return strongEqual(c.ifRange, v.ETag)
	case strings.HasPrefix(c.ifRange, "W/"):
		return false
	default:
		t, err := http.ParseTime(c.ifRange)
		return err == nil && !v.LastModified.IsZero() && t.Equal(v.LastModified)
	}
}

// matches looks for tag in the list of an If-Match or If-None-Match header. "*" matches every object that there is.
func matches(list, tag string, equal func(a, b string) bool) bool {
	list = strings.TrimSpace(list)
	if list == "*" {
		return true
	}
	for list != "" {
		one, rest := nextTag(list)
		if one != "" && tag != "" && equal(one, tag) {
			return true
		}
		list = rest
	}
	return false
}

// nextTag cuts the first entity tag off a list. Commas may stand inside the quotes. An unquoted tag, which some clients
// send, ends at the next comma.
func nextTag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	start := 0
	if strings.HasPrefix(list, "W/") {
		start = 2
	}
	if start < len(list) && list[start] == '"' {
		if end := strings.IndexByte(list[start+1:], '"'); end >= 0 {
			cut := start + 1 + end + 1
			return list[:cut], list[cut:]
		}
	}
	tag, rest, _ = strings.Cut(list, ",")
	return strings.TrimSpace(tag), rest
}

func strongEqual(a, b string) bool {
	return a == b && strings.HasPrefix(a, `"`)
}

func weakEqual(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// stripped is tag without the first of suffixes that ends its opaque part.
func stripped(tag string, suffixes []string) string {
	opaque, quoted := strings.CutSuffix(tag, `"`)
	if !quoted {
		return tag
	}
	for _, s := range suffixes {
		if cut, ok := strings.CutSuffix(opaque, s); ok && s != "" {
			return cut + `"`
		}
	}
	return tag
}
