package origin

import (
	"fmt"
	"strings"
)

// chunks are mistakes in the chunked coding (RFC 9112 section 7.1). Positions are rounded down to a chunk's edge.
func chunks() []Fault {
	return []Fault{
		{Name: "chunk-edge", Does: "closed after a whole chunk", Get: broken(), script: chunkTail("")},
		{Name: "chunk-inside", Does: "closed inside the data of a chunk", Get: broken(), script: chunkInside},
		{Name: "chunk-size-cut", Does: "closed inside the size line of a chunk", Get: broken(), script: chunkTail("10")},
		{Name: "chunk-no-end", Does: "all chunks, but not the last one of size 0", Get: broken(), script: chunkEnd("")},
		{Name: "chunk-no-crlf", Does: "the last chunk without the CRLF that ends the body",
			Get: broken(), script: chunkEnd("0\r\n")},
		{Name: "chunk-half-crlf", Does: "the last chunk and only the CR of the CRLF that ends the body", Get: broken(),
			script: chunkEnd("0\r\n\r")},
		{Name: "chunk-trailer-cut", Does: "closed inside a trailer", Get: broken(), script: chunkEnd("0\r\nX-Trailer: la")},
		{Name: "chunk-no-data-crlf", Does: "no CRLF after the data of a chunk", Get: broken(), script: chunkUnended},
		{Name: "chunk-bad-size", Does: "a size line that is no number",
			Get: broken(), script: chunkTail("zz\r\n" + SmuggledBody + "\r\n0\r\n\r\n")},
		{Name: "chunk-negative-size", Does: "a negative size",
			Get: broken(), script: chunkTail("-8\r\n" + SmuggledBody + "\r\n0\r\n\r\n")},
		{Name: "chunk-huge-size", Does: "a size of more than 64 bits", Get: broken(),
			script: chunkTail("10000000000000008\r\n" + SmuggledBody + "\r\n0\r\n\r\n")},
		{Name: "chunk-lies", Does: "a size far beyond what comes", Get: broken(), script: chunkTail("7fffffff\r\n")},
		{Name: "chunk-long-extension", Does: "a size line of 64 KiB",
			Get:    anything(),
			script: func(r *Request, a *Answer) { a.Body.Extension = ";a=" + strings.Repeat("b", 64<<10); chunked(r, a) }},
		{Name: "chunk-http10", Does: "chunks in an HTTP/1.0 answer, where they do not exist: the framing is faulty",
			Get: Outcome{Client: Right | Cut | Refused, Status: broken().Status, Keep: KeepNothing}, script: chunkHTTP10},
		{Name: "coding-unknown", Does: "Transfer-Encoding: gzip, chunked", Get: refused(), script: codingUnknown},
		{Name: "coding-and-length", Does: "chunks and Content-Length, both right", Get: disputed(), script: codingAndLength},
		{Name: "coding-and-wrong-length", Does: "chunks and a Content-Length that is smaller",
			Get: disputed(), script: codingAndWrongLength},
	}
}

// edge is the position of the fault, rounded down to a chunk's edge. After a resume chunks begin elsewhere.
func edge(r *Request, a *Answer) int64 {
	at := max(0, r.At()-a.Body.From)
	return a.Body.From + at - at%int64(r.Params.Chunk)
}

// chunkTail goes on in another way at a chunk's edge.
func chunkTail(tail string) Script {
	return func(r *Request, a *Answer) {
		chunked(r, a)
		a.EndAt(edge(r, a), tail)
	}
}

func chunkInside(r *Request, a *Answer) {
	chunked(r, a)
	at := r.At()
	if at%int64(r.Params.Chunk) == 0 {
		at++
	}
	a.CutAt(at, Drop)
}

// chunkEnd ends the body, of which all came, in another way. There are no ranges: a resume would find nothing left.
func chunkEnd(tail string) Script {
	return func(r *Request, a *Answer) {
		r.without("Range")
		*a = *r.Sound()
		a.Del("Accept-Ranges")
		chunked(r, a)
		a.EndAt(r.Object.Truth.Size, tail)
	}
}

// chunkUnended lets a size line follow the data at once. The data is the object's: a cache may have passed it on.
func chunkUnended(r *Request, a *Answer) {
	chunked(r, a)
	at := edge(r, a)
	data := make([]byte, 8)
	n, _ := r.Object.Truth.ReadAt(data, at) // less at the end of the object
	chunk := fmt.Sprintf("%x\r\n%s", n, data[:n])
	a.EndAt(at, chunk+"8\r\n"+SmuggledBody+"\r\n0\r\n\r\n")
}

func chunkHTTP10(r *Request, a *Answer) {
	chunked(r, a)
	a.Line, a.End = strings.Replace(a.Line, "1.1", "1.0", 1), Close
}

func codingUnknown(r *Request, a *Answer) {
	chunked(r, a)
	a.Set("Transfer-Encoding", "gzip, chunked")
}

func codingAndLength(r *Request, a *Answer) {
	length := a.Get("Content-Length")
	chunked(r, a)
	a.Set("Content-Length", length)
}

func codingAndWrongLength(r *Request, a *Answer) {
	chunked(r, a)
	a.Set("Content-Length", "3")
}
