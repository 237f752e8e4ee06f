package gateway

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// metaOf keeps of an origin's answer what is stored with the object.
func metaOf(resp *origin.Response, rule rules.Config, plan rules.Plan) cache.Meta {
	h := resp.Header
	m := cache.Meta{
		Size:               resp.Length,
		ContentType:        value(h, "Content-Type"),
		ContentEncoding:    value(h, "Content-Encoding"),
		ContentDisposition: value(h, "Content-Disposition"),
		CacheControl:       value(h, "Cache-Control"),
		Expires:            value(h, "Expires"),
		ContentLanguage:    value(h, "Content-Language"),
		Origin:             provenance(resp, rule, plan),
	}
	if m.ContentType == "" {
		m.ContentType = defaultType
	}
	// An answer to one Origin is not an answer to all, unless it says so.
	if allow := value(h, "Access-Control-Allow-Origin"); allow == "*" || plan.Header.Get("Origin") == "" {
		m.AllowOrigin = allow
	}
	m.User = userMetadata(resp, rule.Store.Metadata)
	for _, name := range rule.Store.Headers {
		if v := value(h, name); v != "" && cache.Replayable(strings.ToLower(name)) {
			m.Replay = append(m.Replay, cache.Field{Name: strings.ToLower(name), Value: v})
		}
	}
	slices.SortFunc(m.Replay, func(a, b cache.Field) int { return strings.Compare(a.Name, b.Name) })
	return m
}

const defaultType = "application/octet-stream"

// value joins the lines of a header into one, or is "" when one of them could not stand in a header.
func value(h http.Header, name string) string {
	v := strings.Join(h.Values(name), ", ")
	if !cache.ValidHeaderValue(v) {
		return ""
	}
	return strings.TrimSpace(v)
}

func safeValues(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !cache.ValidHeaderValue(v) })
}

// userMetadata is that of a signed target, and over it what the rule adds.
func userMetadata(resp *origin.Response, added map[string]string) map[string]string {
	user := make(map[string]string, len(added))
	if resp.Signed {
		for name := range resp.Header {
			key, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-")
			if ok && !strings.HasPrefix(key, "mg-") {
				user[key] = value(resp.Header, name)
			}
		}
	}
	maps.Copy(user, added)
	if len(user) == 0 {
		return nil
	}
	return user
}

// provenance is what the copy will know of its origin. Size and MD5, its proof, are added when the end is proven.
func provenance(resp *origin.Response, rule rules.Config, plan rules.Plan) cache.Provenance {
	p := cache.Provenance{
		Target: resp.Target, Path: plan.Path, Rule: rule.ID, Size: resp.Length,
		Time: time.Now().UTC().Truncate(time.Second),
	}
	if tag := value(resp.Header, "Etag"); isTag(tag) {
		p.ETag = tag
	}
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil && t.Unix() > 0 {
		p.LastModified = t.UTC()
	}
	p.Lifetime, p.NoCache = lifetime(resp.Header, p.Time)
	return p
}

// isTag tells whether v is an entity tag (RFC 9110 section 8.8.3). Others are not shown: clients could not compare
// them.
func isTag(v string) bool {
	opaque := strings.TrimPrefix(v, "W/")
	return len(opaque) >= 2 && opaque[0] == '"' && strings.IndexByte(opaque[1:], '"') == len(opaque)-2
}

// lifetime is the freshness that the origin gave (RFC 9111 section 4.2.1), -1 for none, and whether every use needs a
// check (section 5.2.2.4).
func lifetime(h http.Header, now time.Time) (age time.Duration, noCache bool) {
	directives := cacheControl(h)
	_, noCache = directives["no-cache"]
	for _, name := range []string{"s-maxage", "max-age"} {
		if v, ok := directives[name]; ok {
			n, err := strconv.ParseUint(strings.Trim(v, `"`), 10, 31)
			if err != nil {
				return 0, noCache // section 4.2.1: an invalid lifetime counts as stale
			}
			return time.Duration(n) * time.Second, noCache
		}
	}
	if h.Get("Expires") == "" {
		return -1, noCache
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil || expires.Before(now) {
		return 0, noCache
	}
	return min(expires.Sub(now), (1<<31-1)*time.Second), noCache
}

// cacheControl splits Cache-Control into its directives, in lower case, with their arguments.
func cacheControl(h http.Header) map[string]string {
	out := make(map[string]string)
	for _, line := range h.Values("Cache-Control") {
		for part := range strings.SplitSeq(line, ",") {
			name, arg, _ := strings.Cut(strings.TrimSpace(part), "=")
			out[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(arg)
		}
	}
	return out
}
