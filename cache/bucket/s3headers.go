package bucket

import (
	"slices"
	"strings"

	"mirrorgate/cache"
)

// describeMeta copies what a bucket keeps with an object of that size out of the header into m. The copies are one
// piece of memory.
func (x *exchange) describeMeta(m *cache.Meta, size int64) {
	h := &x.head
	headers := [...][]byte{h.etag, h.kind, h.coding, h.disposition, h.cacheControl, h.expires, h.language}
	x.text = x.text[:0]
	for _, v := range headers {
		x.text = append(x.text, v...)
	}
	for _, f := range h.user {
		x.text = append(append(x.text, f.name...), f.value...)
	}
	text := string(x.text)
	next := func(length int) string {
		v := text[:length]
		text = text[length:]
		return v
	}
	s := cache.Stored{
		Size: size, Validators: cache.Validators{ETag: next(len(h.etag)), LastModified: parseDate(h.modified)},
		ContentType: next(len(h.kind)), ContentEncoding: contentCoding(next(len(h.coding))),
		ContentDisposition: next(len(h.disposition)), CacheControl: next(len(h.cacheControl)),
		Expires: next(len(h.expires)), ContentLanguage: next(len(h.language)),
	}
	x.user = x.user[:0]
	for _, f := range h.user {
		x.user = append(x.user, cache.Field{Name: next(len(f.name)), Value: next(len(f.value))})
	}
	x.user = sortedByName(x.user)
	s.Describe(m, x.user)
	clear(x.user) // what waits for another request holds nothing
}

// sortedByName sorts user metadata. Of several entries with one name the last one stays.
func sortedByName(user []cache.Field) []cache.Field {
	slices.SortStableFunc(user, func(a, b cache.Field) int { return strings.Compare(a.Name, b.Name) })
	kept := user[:0]
	for i, f := range user {
		if i+1 == len(user) || user[i+1].Name != f.Name {
			kept = append(kept, f)
		}
	}
	return kept
}

// contentCoding leaves out aws-chunked: it is the coding of an upload, which some servers give back by mistake.
func contentCoding(value string) string {
	if value == "" || !strings.Contains(strings.ToLower(value), "aws-chunked") {
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
