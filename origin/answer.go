package origin

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The body of an answer that is not wanted is read so far and so long that its connection can be used again.
const (
	maxDrain     = 16 << 10
	drainTimeout = time.Second
)

// answer is a response and the watch that it lives under.
type answer struct {
	*http.Response
	w *watch
}

// reply is an answer that brings what was asked, or a redirect for the client.
type reply struct {
	*answer
	hop   hop
	with  pass // what the target's breaker let it through with
	slash bool // a redirect to the URL asked and a "/"
}

// cutOff ends the answer at once.
func (a *answer) cutOff() {
	a.w.end()
	_ = a.Body.Close() // it was cancelled on purpose
}

// drop ends the answer without keeping its body.
func (a *answer) drop() {
	a.w.arm(&limitError{"reading on", drainTimeout})
	// What is read does not matter, nor how that ends: the connection is closed unless it was all.
	_, _ = io.CopyN(io.Discard, a.Body, maxDrain)
	_ = a.Body.Close()
	a.w.end()
}

// judge makes an answer that is no redirect a reply or a failure.
func (p *pull) judge(h hop, a *answer) (*reply, *Error) {
	if p.wanted(a.Response) {
		if h.own() {
			unchunked(a.Header)
		}
		guardChunks(a.Response)
		return &reply{answer: a, hop: h}, nil
	}
	e := &Error{Kind: KindFailed, Op: opStatus, Status: a.StatusCode}
	e.Temporary = a.StatusCode >= 500 || a.StatusCode == http.StatusTooManyRequests
	code := ""
	if h.own() {
		a.w.arm(&limitError{"timeouts.first_byte", p.o.c.Timeouts.FirstByte})
		code = errorCode(a.Body)
		e.Err = fmt.Errorf("S3 error code %q", code)
	}
	a.drop()
	switch {
	case h.missing(a.StatusCode, code):
		e.Kind = KindNotFound
	case slices.Contains(p.o.c.PassStatus, a.StatusCode) && !h.ourFault(a.StatusCode):
		e.Kind = KindPassed
	default:
		e.ill = h.kept && sick(a.StatusCode)
	}
	p.heed(h, a, e)
	return nil, e
}

// wanted tells whether the answer brings what was asked: the object, or what else the client's own Range and
// conditions can be answered with.
func (p *pull) wanted(a *http.Response) bool {
	asked := func(names ...string) bool {
		return p.r.Proxy && slices.ContainsFunc(names, func(name string) bool { return len(p.r.Header[name]) > 0 })
	}
	switch a.StatusCode {
	case http.StatusOK:
		return true
	case http.StatusPartialContent:
		return asked("Range") && (multipart(a.Header) || len(a.Header.Values("Content-Range")) == 1)
	case http.StatusRequestedRangeNotSatisfiable:
		return asked("Range")
	case http.StatusNotModified:
		return asked("If-None-Match", "If-Modified-Since")
	case http.StatusPreconditionFailed:
		return asked("If-Match", "If-Unmodified-Since", "If-None-Match")
	}
	return false
}

func multipart(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "multipart/byteranges")
}

// own tells whether the answer is that of the target's bucket.
func (h hop) own() bool { return h.t.bucket != nil && h.kept }

// missing tells whether an answer says that the object is not there. A bucket that does not exist is a mistake in the
// configuration, and a 403 may mean anything unless the bucket says which.
func (h hop) missing(status int, code string) bool {
	if !h.own() {
		return status == http.StatusNotFound || status == http.StatusGone
	}
	return slices.Contains(h.t.bucket.missingIs, status) && code != "NoSuchBucket" &&
		(status != http.StatusForbidden || code == "AccessDenied")
}

// ourFault tells whether a bucket refuses our keys, which says nothing about what the client may see.
func (h hop) ourFault(status int) bool {
	return h.own() && !h.t.bucket.anonymous && (status == http.StatusUnauthorized || status == http.StatusForbidden)
}

// response makes the Response of a reply.
func (p *pull) response(a Ask, got *reply) *Response {
	return &Response{
		Status: got.StatusCode, Header: got.Header, Body: p.body(a, got), Length: got.ContentLength,
		Proven: p.r.Method == http.MethodHead || announced(got.Response), Target: got.hop.t.role, Signed: got.hop.own(),
		AddsSlash: got.slash,
	}
}

// announced tells whether the end of the body can be told from a cut: by its length, the last chunk, or the end of an
// HTTP/2 stream. What was agreed on in the handshake counts: any server can write HTTP/2.0 into a status line.
func announced(r *http.Response) bool {
	streams := r.TLS != nil && r.TLS.NegotiatedProtocol == "h2"
	return r.ContentLength >= 0 || slices.Contains(r.TransferEncoding, "chunked") || streams
}
