package origin

import (
	"net/http"
	"strings"
	"time"
)

// sound is what is no fault: a cache that takes it for one is wrong.
func sound() []Fault {
	return []Fault{
		{Name: "sound", Does: "200, Content-Length, strong validators, ranges, keep-alive",
			Get: kept(), Range: kept(), Head: streamed(),
			script: Sound},
		{Name: "chunked", Does: "chunks, the last one and no trailers", Get: kept(), script: chunked},
		{Name: "chunk-tiny", Does: "chunks of one byte", Defaults: "size=8KiB,chunk=1", Get: kept(), script: chunked},
		{Name: "chunk-extensions", Does: "chunk extensions on each size line", Get: kept(),
			script: func(r *Request, a *Answer) { a.Body.Extension = `;a=b;c="d"`; chunked(r, a) }},
		{Name: "trailers", Does: "chunks and trailers after them", Get: kept(), script: trailers},
		{Name: "close", Does: "Content-Length, Connection: close", Get: kept(),
			script: func(_ *Request, a *Answer) { a.Set("Connection", "close"); a.End = Close }},
		{Name: "close-unsaid", Does: "the connection is closed after the answer without a word", Get: kept(),
			script: func(_ *Request, a *Answer) { a.End = Drop }},
		{Name: "close-delimited", Does: "no Content-Length, no chunks: the end of the connection is that of the body",
			Get:    streamed(),
			script: func(_ *Request, a *Answer) { a.closeDelimited() }},
		{Name: "http10", Does: "HTTP/1.0 with Content-Length", Get: kept(),
			script: func(_ *Request, a *Answer) { a.Line = strings.Replace(a.Line, "1.1", "1.0", 1); a.End = Close }},
		{Name: "interim", Does: "100, 102 and 103 before the answer", Get: kept(),
			script: func(_ *Request, a *Answer) { a.Before = interim(100) + interim(102) + interim(103) }},
		{Name: "gzip", Does: "Content-Encoding: gzip unasked, in chunks", Get: kept(), script: gzipped},
		{Name: "no-validators", Does: "neither ETag nor Last-Modified", Get: kept(), script: withoutValidators},
		{Name: "weak-validators", Does: "ETag W/…, no Last-Modified", Get: kept(), script: weakly},
		{Name: "no-type", Does: "no Content-Type",
			Get: kept(), script: func(_ *Request, a *Answer) { a.Del("Content-Type") }},
		{Name: "empty", Does: "200 with Content-Length: 0", Defaults: "size=0", Get: streamed(), script: Sound},
	}
}

// closeDelimited takes the length away.
func (a *Answer) closeDelimited() {
	if a.whole() {
		a.Del("Content-Length")
		a.Set("Connection", "close")
		a.End = Close
	}
}

func chunked(r *Request, a *Answer) {
	if a.whole() {
		a.Chunk(r.Params.Chunk)
		a.bodyless(r)
	}
}

// bodyless takes what ends a chunked body away where there is none.
func (a *Answer) bodyless(r *Request) {
	if r.Method == http.MethodHead {
		a.Body = Body{}
	}
}

func trailers(r *Request, a *Answer) {
	chunked(r, a)
	if a.Body.Chunk > 0 {
		a.Add("Trailer", "X-Trailer")
		a.Body.Tail = "0\r\nX-Trailer: late\r\n" + SmuggledName + ": trailer\r\n\r\n"
	}
}

func gzipped(r *Request, a *Answer) {
	r.without("Range")
	*a = *r.Sound()
	if a.whole() {
		a.Del("Accept-Ranges")
		a.Add("Content-Encoding", "gzip")
		a.Body.Gzip = true
		chunked(r, a)
	}
}

func withoutValidators(r *Request, a *Answer) {
	r.Object.ETag, r.Object.LastModified = "", time.Time{}
	*a = *r.Sound()
}

func weakly(r *Request, a *Answer) {
	r.Object.ETag, r.Object.LastModified = "W/"+r.Object.ETag, time.Time{}
	*a = *r.Sound()
}

// unconditional leaves the conditions out of the request.
func (r *Request) unconditional() {
	r.without("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")
}

// interim is an answer before the answer (RFC 9110 section 15.2).
func interim(status int) string {
	return "HTTP/1.1 " + Status(status).Line[len("HTTP/1.1 "):] + "\r\nLink: </a.css>; rel=preload\r\n" +
		SmuggledName + ": interim\r\n\r\n"
}
