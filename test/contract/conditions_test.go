package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"mirrorgate/test/harness"
)

// The object of these tests.
const (
	modified   = "Tue, 15 Nov 1994 12:45:26 GMT"
	before     = "Tue, 15 Nov 1994 12:45:25 GMT"
	after      = "Tue, 15 Nov 1994 12:45:27 GMT"
	modified50 = "Tuesday, 15-Nov-94 12:45:26 GMT" // RFC 850
	modifiedC  = "Tue Nov 15 12:45:26 1994"        // asctime
)

func conditionBody() string { return strings.Repeat("0123456789", 10) }

// conditionCase is one request for an object of 100 bytes, and what RFC 9110 makes of it.
type conditionCase struct {
	object string // strong, weak or bare: which validators the object has
	header []string
	want   string // 200, 304, 412, 416, or the range "first-last" of a 206
}

func conditionCases() []conditionCase {
	var cases []conditionCase
	f := func(object, want string, header ...string) {
		cases = append(cases, conditionCase{object, header, want})
	}
	f("strong", "200")

	// If-Match, section 13.1.1: strong comparison.
	f("strong", "200", "If-Match", `"v1"`)
	f("strong", "200", "If-Match", `*`)
	f("strong", "200", "If-Match", `"x", "v1"`)
	f("strong", "200", "If-Match", `"x" , W/"y","v1"`)
	f("strong", "200", "If-Match", `"x"`, "If-Match", `"v1"`)
	f("strong", "412", "If-Match", `"x"`)
	f("strong", "412", "If-Match", `"V1"`)
	f("strong", "412", "If-Match", `"a,"v1"`)
	f("strong", "412", "If-Match", `W/"v1"`)
	f("strong", "412", "If-Match", `"v1-gzip"`)
	f("weak", "412", "If-Match", `W/"v1"`)
	f("weak", "412", "If-Match", `"v1"`)
	f("weak", "200", "If-Match", `*`)

	// If-None-Match, section 13.1.2: weak comparison.
	f("strong", "304", "If-None-Match", `"v1"`)
	f("strong", "304", "If-None-Match", `W/"v1"`)
	f("strong", "304", "If-None-Match", `*`)
	f("strong", "304", "If-None-Match", `"x", "v1"`)
	f("strong", "304", "If-None-Match", `"a,b",W/"v1"`)
	f("strong", "304", "If-None-Match", `"x"`, "If-None-Match", `"v1"`)
	f("strong", "200", "If-None-Match", `"x"`)
	f("strong", "200", "If-None-Match", `"x", W/"y"`)
	f("strong", "200", "If-None-Match", `"v1,x"`)
	f("weak", "304", "If-None-Match", `W/"v1"`)
	f("weak", "304", "If-None-Match", `"v1"`)
	// etag_suffixes
	f("strong", "304", "If-None-Match", `"v1-gzip"`)
	f("strong", "304", "If-None-Match", `W/"v1-br"`)
	f("weak", "304", "If-None-Match", `W/"v1-gzip"`)
	f("strong", "200", "If-None-Match", `"v1-zstd"`)
	f("strong", "200", "If-None-Match", `"v1-gzip-x"`)
	f("strong", "200", "If-None-Match", `"-gzip"`)

	// If-Modified-Since, section 13.1.3.
	f("strong", "304", "If-Modified-Since", modified)
	f("strong", "304", "If-Modified-Since", modified50)
	f("strong", "304", "If-Modified-Since", modifiedC)
	f("strong", "304", "If-Modified-Since", after)
	f("strong", "200", "If-Modified-Since", before)
	f("strong", "200", "If-Modified-Since", "yesterday")
	f("strong", "200", "If-Modified-Since", modified, "If-None-Match", `"x"`)
	f("strong", "304", "If-Modified-Since", before, "If-None-Match", `"v1"`)

	// If-Unmodified-Since, section 13.1.4.
	f("strong", "200", "If-Unmodified-Since", modified)
	f("strong", "200", "If-Unmodified-Since", modifiedC)
	f("strong", "200", "If-Unmodified-Since", after)
	f("strong", "412", "If-Unmodified-Since", before)
	f("strong", "200", "If-Unmodified-Since", "yesterday")
	f("strong", "200", "If-Unmodified-Since", before, "If-Match", `"v1"`)
	f("strong", "412", "If-Unmodified-Since", after, "If-Match", `"x"`)

	// The order of section 13.2.2.
	f("strong", "412", "If-Match", `"x"`, "If-None-Match", `"v1"`)
	f("strong", "304", "If-Match", `"v1"`, "If-None-Match", `"v1"`)
	f("strong", "412", "If-Unmodified-Since", before, "If-Modified-Since", modified)
	f("strong", "304", "If-Unmodified-Since", modified, "If-Modified-Since", modified)

	// Range, section 14.2.
	f("strong", "0-9", "Range", "bytes=0-9")
	f("strong", "0-0", "Range", "bytes=0-0")
	f("strong", "99-99", "Range", "bytes=99-99")
	f("strong", "99-99", "Range", "bytes=99-")
	f("strong", "0-99", "Range", "bytes=0-")
	f("strong", "40-99", "Range", "bytes=40-1000")
	f("strong", "90-99", "Range", "bytes=-10")
	f("strong", "0-99", "Range", "bytes=-100")
	f("strong", "0-99", "Range", "bytes=-1000")
	f("strong", "0-99", "Range", "bytes=0-9223372036854775807")
	f("weak", "5-6", "Range", "bytes=5-6")
	f("bare", "5-6", "Range", "bytes=5-6")
	f("strong", "416", "Range", "bytes=100-")
	f("strong", "416", "Range", "bytes=100-200")
	f("strong", "416", "Range", "bytes=9223372036854775807-")
	f("strong", "416", "Range", "bytes=-0")
	for _, ignored := range []string{
		"bytes=9-0", "bytes=a-b", "bytes=", "bytes", "bytes=-", "bytes=0", "bytes=1-2x", "bytes=0x0-5", "bytes=+1-5",
		"bytes=--5", "items=0-9",
		"bytes=0-1,3-4", "bytes=0-1,", "bytes=0-0, -1", "bytes=200-300,400-500",
	} {
		f("strong", "200", "Range", ignored)
	}

	// If-Range, section 13.1.5: strong comparison, and the very same date.
	f("strong", "5-6", "Range", "bytes=5-6", "If-Range", `"v1"`)
	f("strong", "5-6", "Range", "bytes=5-6", "If-Range", modified)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", `"x"`)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", `W/"v1"`)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", `"v1-gzip"`)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", `v1`)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", `*`)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", before)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", after)
	f("strong", "200", "Range", "bytes=5-6", "If-Range", "yesterday")
	f("weak", "200", "Range", "bytes=5-6", "If-Range", `W/"v1"`)
	f("weak", "200", "Range", "bytes=5-6", "If-Range", `"v1"`)
	f("strong", "416", "Range", "bytes=100-", "If-Range", `"v1"`)
	f("strong", "200", "Range", "bytes=100-", "If-Range", `"x"`)
	f("strong", "200", "If-Range", `"x"`)

	// Preconditions come before ranges.
	f("strong", "304", "Range", "bytes=5-6", "If-None-Match", `"v1"`)
	f("strong", "412", "Range", "bytes=5-6", "If-Match", `"x"`)
	f("strong", "412", "Range", "bytes=100-", "If-Match", `"x"`)
	f("strong", "304", "Range", "bytes=100-", "If-None-Match", `"v1"`)
	f("strong", "5-6", "Range", "bytes=5-6", "If-Match", `"v1"`, "If-Range", `"v1"`)
	f("strong", "5-6", "Range", "bytes=5-6", "If-None-Match", `"x"`)
	return cases
}

func conditionOrigin(t *testing.T) *origin {
	return startOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		header := []string{"Content-Type", "text/plain", "Cache-Control", "max-age=60", "Content-Length", "100"}
		switch strings.Split(r.URL.Path, "/")[1] {
		case "strong":
			header = append(header, "ETag", `"v1"`, "Last-Modified", modified)
		case "weak":
			header = append(header, "ETag", `W/"v1"`, "Last-Modified", modified)
		}
		page{header: header, body: conditionBody()}.ServeHTTP(w, r)
	})
}

// check compares an answer to a GET with what the case wants.
func (c conditionCase) check(t *testing.T, a harness.Answer) {
	t.Helper()
	var first, last int
	status, _ := 0, 0
	body, contentRange := conditionBody(), ""
	if n, _ := fmt.Sscanf(c.want, "%d-%d", &first, &last); n == 2 {
		status, body, contentRange = 206, body[first:last+1], fmt.Sprintf("bytes %d-%d/100", first, last)
	} else if _, err := fmt.Sscanf(c.want, "%d", &status); err != nil {
		t.Fatal(err)
	}
	switch status {
	case 412:
		failure{status: 412, code: "PreconditionFailed"}.want(t, "GET", a)
		return
	case 416:
		failure{status: 416, code: "InvalidRange"}.want(t, "GET", a)
		equal(t, "Content-Range", a.Header.Get("Content-Range"), "bytes */100")
		return
	case 304:
		body = ""
	default:
		equal(t, "Content-Length", a.Header.Get("Content-Length"), fmt.Sprint(len(body)))
		equal(t, "Accept-Ranges", a.Header.Get("Accept-Ranges"), "bytes")
	}
	if a.Err != nil {
		t.Error(a.Err)
	}
	equal(t, "status", a.Status, status)
	equal(t, "body", string(a.Body), body)
	equal(t, "Content-Range", a.Header.Get("Content-Range"), contentRange)
	equal(t, "Cache-Control", a.Header.Get("Cache-Control"), "max-age=60")
	if c.object != "bare" {
		equal(t, "ETag", a.Header.Get("ETag"), map[string]string{"strong": `"v1"`, "weak": `W/"v1"`}[c.object])
		equal(t, "Last-Modified", a.Header.Get("Last-Modified"), modified)
	}
}

// checkHead: a HEAD has no range, and otherwise the status and headers of the GET.
func (c conditionCase) checkHead(t *testing.T, a harness.Answer) {
	t.Helper()
	status := 200
	switch {
	case c.want == "304":
		status = 304
	case c.want == "412":
		status = 412
	default:
		equal(t, "HEAD: Content-Length", a.Header.Get("Content-Length"), "100")
	}
	equal(t, "HEAD: status", a.Status, status)
	equal(t, "HEAD: Content-Range", a.Header.Get("Content-Range"), "")
	equal(t, "HEAD: body", len(a.Body), 0)
	if status != 412 && c.object == "strong" {
		equal(t, "HEAD: ETag", a.Header.Get("ETag"), `"v1"`)
	}
}

func (c conditionCase) String() string { return c.object + " " + strings.Join(c.header, " ") }

func TestConditionsOnHits(t *testing.T) { onBothBuckets(t, conditionsOnHits) }

func conditionsOnHits(t *testing.T, serve func(o *origin, rule string) *rig) {
	o := conditionOrigin(t)
	r := serve(o, mirrorRule)
	for _, object := range []string{"strong", "weak", "bare"} {
		wantObject(t, r.get(t, "/"+object+"/o.txt"), conditionBody(), saved("r"))
		r.waitSaved(t, object+"/o.txt", conditionBody())
	}
	for _, c := range conditionCases() {
		t.Run(c.String(), func(t *testing.T) {
			a := r.get(t, "/"+c.object+"/o.txt", c.header...)
			c.check(t, a)
			if a.Status < 400 {
				equal(t, "Cache-Status", a.Header.Get("Cache-Status"), hitBucket)
			}
			c.checkHead(t, r.head(t, "/"+c.object+"/o.txt", c.header...))
		})
	}
	o.wantTotal(t, 3)
}

// TestConditionsOnMisses: the answer is that of a hit, the origin is asked for the whole without conditions, and the
// whole is stored.
func TestConditionsOnMisses(t *testing.T) { onBothBuckets(t, conditionsOnMisses) }

func conditionsOnMisses(t *testing.T, serve func(o *origin, rule string) *rig) {
	o := conditionOrigin(t)
	r := serve(o, `{id: r, range: fill, origin: {primary: "${ORIGIN}"}}`)
	var keys []string
	for n, c := range conditionCases() {
		t.Run(c.String(), func(t *testing.T) {
			key := fmt.Sprintf("%s/%d.txt", c.object, n)
			keys = append(keys, key)
			c.checkHead(t, r.head(t, "/"+key, c.header...))
			c.check(t, r.get(t, "/"+key, c.header...))
			r.waitSaved(t, key, conditionBody())
			for _, asked := range o.requests()[2*n : 2*n+2] {
				for name := range asked.header {
					if name == "Range" || strings.HasPrefix(name, "If-") {
						t.Errorf("the origin got %s: %q", name, asked.header[name])
					}
				}
			}
		})
	}
	o.wantTotal(t, 2*len(keys))
	r.wantBucket(t, keys...)
}

// TestConditionsOnNothing: there is nothing to compare with (RFC 9110 section 13.2.1).
func TestConditionsOnNothing(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, http.NotFound)
	r := serveRules(t, o, mirrorRule)
	for n, header := range [][]string{{"If-Match", "*"}, {"If-Match", `"x"`}, {"If-None-Match", "*"},
		{"Range", "bytes=5-"}} {
		target := fmt.Sprintf("/%d.txt", n)
		failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5"}.want(t, "GET", r.get(t, target, header...))
		failure{status: 404, code: "NoSuchKey", cacheControl: "max-age=5"}.want(t, "GET", r.get(t, target, header...))
	}
}

// TestRangeOfNothing: an empty object has no ranges.
func TestRangeOfNothing(t *testing.T) {
	t.Parallel()
	o := startOrigin(t, echo)
	r := serveRules(t, o, mirrorRule)
	r.put(t, "empty.txt", "")
	equal(t, "Content-Length", r.get(t, "/empty.txt").Header.Get("Content-Length"), "0")
	for _, bytes := range []string{"bytes=0-", "bytes=0-0", "bytes=1-"} {
		a := r.get(t, "/empty.txt", "Range", bytes)
		failure{status: 416, code: "InvalidRange"}.want(t, "GET", a)
		equal(t, "Content-Range", a.Header.Get("Content-Range"), "bytes */0")
	}
}

// TestETagSuffixesOff: without the setting a suffix makes another tag.
func TestETagSuffixesOff(t *testing.T) {
	t.Parallel()
	o := conditionOrigin(t)
	r := serve(t, site("etag_suffixes: []", mirrorRule), "ORIGIN="+o.url)
	for range 2 {
		equal(t, "status", r.get(t, "/strong/a.txt", "If-None-Match", `"v1-gzip"`).Status, 200)
	}
	equal(t, "status", r.get(t, "/strong/a.txt", "If-None-Match", `"v1"`).Status, 304)
}

// TestConditionsOnMissesPassed: the answers are the same where ranges may be asked of the origin, whether that knows
// ranges or not, and the whole is stored all the same.
func TestConditionsOnMissesPassed(t *testing.T) { onBothBuckets(t, conditionsOnMissesPassed) }

func conditionsOnMissesPassed(t *testing.T, serve func(o *origin, rule string) *rig) {
	r := serve(conditionOrigin(t), `{id: r, origin: {primary: "${ORIGIN}"}}`)
	for n, c := range conditionCases() {
		t.Run(c.String(), func(t *testing.T) {
			key := fmt.Sprintf("%s/%d.txt", c.object, n)
			c.check(t, r.get(t, "/"+key, c.header...))
			r.waitSaved(t, key, conditionBody())
		})
	}
}
