package origin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// ranges are requests with a Range answered wrongly; without one the answer is sound. The objects are large, for a
// cache to ask for a range at all.
func ranges() []Fault {
	var all []Fault
	for _, f := range rangeMistakes() {
		all = append(all, Fault{Name: "range-" + f.name, Does: f.does, Defaults: "size=12MiB", Get: kept(), Head: streamed(),
			Range:  f.ranged(),
			script: onRange(f.script)})
	}
	return all
}

// resumes are pulls that are cut, and then the rest is answered wrongly.
func resumes() []Fault {
	all := []Fault{
		{Name: "etag-changes", Does: "cut at a byte; then it is another object, which If-Range gets whole", Changes: true,
			Get:    broken(),
			script: etagChanges},
		{Name: "etag-changes-range", Changes: true, Get: broken(), script: etagChangesRange,
			Does: "cut at a byte; then it is another object, of which the rest comes in spite of If-Range"},
		{Name: "etag-vanishes", Does: "cut at a byte; then the rest comes without validators", Get: anything(),
			script: etagVanishes},
	}
	for _, f := range rangeMistakes() {
		seen := broken()
		if f.mendable {
			seen = anything()
		}
		all = append(all, Fault{Name: "resume-" + f.name, Does: "cut at a byte; then " + f.does,
			Get: seen, Range: f.ranged(), script: onResume(f.script)})
	}
	return all
}

// rangeMistake is a wrong answer to a request with a Range.
type rangeMistake struct {
	name, does string
	mendable   bool // a cache can still make the whole object of it
	script     Script
}

// ranged is what becomes of a range: a 404 is an answer, whatever else the origin would have said of the whole.
func (f rangeMistake) ranged() Outcome {
	status := []int{416, 502, 504}
	if f.name == "404" {
		status = append(status, 404)
	}
	return Outcome{Client: Right | Cut | Refused, Status: status, Keep: KeepWhole}
}

func rangeMistakes() []rangeMistake {
	return []rangeMistake{
		{"ignored", "200 with the whole object", true, rangeIgnored},
		{"shifted", "206 with the range that begins one byte later, and says so", false, rangeShifted},
		{"mislabelled", "206 with the range asked, but a Content-Range one byte later", false, rangeSays(1, 1, 0)},
		{"other-size", "206 whose Content-Range tells another size of the object", false, rangeSays(0, 0, 1)},
		{"other-etag", "206 with another ETag and other bytes", false, rangeOtherETag},
		{"short", "206 whose Content-Range is right, Content-Length and body are half", true, rangeShort},
		{"long", "206 whose Content-Range is right, Content-Length and body are 8 bytes more", false, rangeLong},
		{"cut", "206 closed in its middle", true, rangeCut},
		{"bare", "206 without Content-Range", false, func(_ *Request, a *Answer) { a.Del("Content-Range") }},
		{"twice", "206 with two different Content-Ranges", false, rangeTwice},
		{"unit", "206 with a Content-Range in items instead of bytes", false,
			func(_ *Request, a *Answer) {
				a.Set("Content-Range", strings.Replace(a.Get("Content-Range"), "bytes", "items", 1))
			}},
		{"multipart", "206 with multipart/byteranges", false, rangeMultipart},
		{"416", "416 with the right size", false, rangeRefused},
		{"416-bare", "416 without Content-Range", false, func(_ *Request, a *Answer) { *a = *Status(416) }},
		{"204", "204", false, func(_ *Request, a *Answer) { *a = *Status(204) }},
		{"404", "404", false, func(_ *Request, a *Answer) { *a = *Status(404) }},
		{"error", "500", false, func(_ *Request, a *Answer) { *a = *Status(500) }},
	}
}

func onRange(script Script) Script {
	return func(r *Request, a *Answer) {
		if r.Method == http.MethodGet && a.status() == http.StatusPartialContent {
			script(r, a)
		}
	}
}

func onResume(script Script) Script {
	return func(r *Request, a *Answer) {
		if !r.Ranged() {
			a.CutAt(r.At(), Drop)
		}
		onRange(script)(r, a)
	}
}

func etagChanges(r *Request, a *Answer) {
	if r.Number == 1 {
		a.CutAt(r.At(), Drop)
		return
	}
	r.Object = r.Object.Version(1)
	*a = *r.Sound()
}

func etagChangesRange(r *Request, a *Answer) {
	r.without("If-Range")
	etagChanges(r, a)
}

func etagVanishes(r *Request, a *Answer) {
	if r.Number == 1 {
		a.CutAt(r.At(), Drop)
		return
	}
	a.Del("ETag", "Last-Modified")
}

func rangeIgnored(r *Request, a *Answer) {
	r.without("Range")
	*a = *r.Sound()
}

// rangeShifted starts one byte late.
func rangeShifted(_ *Request, a *Answer) {
	rangeSays(1, 0, 0)(nil, a)
	a.Body.From++
	a.Body.Length--
	a.Set("Content-Length", strconv.FormatInt(a.Body.Length, 10))
}

// rangeSays adds to the numbers of the Content-Range.
func rangeSays(first, last, size int64) Script {
	return func(_ *Request, a *Answer) {
		var from, to, of int64
		if _, err := fmt.Sscanf(a.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &of); err == nil {
			a.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from+first, to+last, of+size))
		}
	}
}

func rangeOtherETag(r *Request, a *Answer) {
	r.Object = r.Object.Version(1)
	r.without("If-Range")
	*a = *r.Sound()
}

func rangeShort(_ *Request, a *Answer) {
	a.Body.Length /= 2
	a.Set("Content-Length", strconv.FormatInt(a.Body.Length, 10))
}

func rangeLong(_ *Request, a *Answer) {
	a.Body.Tail = SmuggledBody
	a.Set("Content-Length", strconv.FormatInt(a.Body.Length+int64(len(a.Body.Tail)), 10))
}

func rangeCut(_ *Request, a *Answer) { a.CutAt(a.Body.From+a.Body.Length/2, Drop) }

func rangeTwice(r *Request, a *Answer) {
	said := a.Get("Content-Range")
	rangeSays(1, 1, 0)(r, a)
	a.Add("Content-Range", said)
}

func rangeMultipart(_ *Request, a *Answer) {
	part := fmt.Sprintf("--part\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n%s\r\n--part--\r\n",
		a.Get("Content-Type"), a.Get("Content-Range"), SmuggledBody)
	a.Del("Content-Range")
	a.Set("Content-Type", "multipart/byteranges; boundary=part")
	a.Set("Content-Length", strconv.Itoa(len(part)))
	a.Body = Text(part)
}

func rangeRefused(r *Request, a *Answer) {
	*a = *Status(http.StatusRequestedRangeNotSatisfiable, fmt.Sprintf("Content-Range: bytes */%d", r.Object.Truth.Size))
}
