package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
)

// setObjectHeaders makes the headers of an object. It is the only place that does: a miss shows exactly what a later
// hit shows.
func setObjectHeaders(h *fasthttp.ResponseHeader, m *cache.Meta, bucketValidators bool, now time.Time) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	contentType := m.ContentType
	if contentType == "" {
		contentType = defaultType
	}
	h.SetContentType(contentType)
	set("Content-Encoding", m.ContentEncoding)
	set("Content-Disposition", m.ContentDisposition)
	set("Content-Language", m.ContentLanguage)
	set("Cache-Control", m.CacheControl)
	set("Expires", expires(m, now))
	set("Access-Control-Allow-Origin", m.AllowOrigin)
	for name, value := range m.User {
		set("x-amz-meta-"+name, value)
	}
	for _, f := range m.Replay {
		set(f.Name, f.Value)
	}
	shown := visible(m, bucketValidators)
	set("ETag", shown.ETag)
	if !shown.LastModified.IsZero() {
		var date [len(http.TimeFormat)]byte
		h.SetBytesV("Last-Modified", shown.LastModified.UTC().AppendFormat(date[:0], http.TimeFormat))
	}
	h.Set("Accept-Ranges", "bytes")
}

// visible are the validators that clients see: the origin's, so that they stay the same when the object moves into the
// bucket, and one by one the bucket's where the origin sent none.
func visible(m *cache.Meta, bucketValidators bool) cache.Validators {
	if bucketValidators || !m.Origin.Believed() {
		return m.Bucket
	}
	shown := m.Origin.Validators
	if shown.ETag == "" {
		shown.ETag = m.Bucket.ETag
	}
	if shown.LastModified.IsZero() {
		shown.LastModified = m.Bucket.LastModified
	}
	return shown
}

// expires is the Expires to show.
func expires(m *cache.Meta, now time.Time) string {
	if !movesExpires(m) {
		return m.Expires
	}
	return now.UTC().Add(m.Origin.Lifetime).Format(http.TimeFormat)
}

// movesExpires tells whether Expires moves with the time of the answer: one that stands alone, and was kept as it was,
// would make the copy stale for ever. Beside a lifetime in Cache-Control nobody heeds it (RFC 9111 section 5.3), and it
// stays.
func movesExpires(m *cache.Meta) bool {
	if m.Expires == "" || !m.Origin.Believed() || m.Origin.Lifetime <= 0 {
		return false
	}
	control := strings.ToLower(m.CacheControl)
	return !strings.Contains(control, "max-age") && !strings.Contains(control, "s-maxage")
}
