package origin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
	"unicode/utf8"
)

// pull is one Fetch, from the place it takes until its body is closed, or the part of one that goes on after a break.
type pull struct {
	o       *Origin
	r       Request
	budget  *watch       // of the answer; its context is that of the whole pull
	leave   func()       // gives back its place; nil for such a part, which has none of its own
	resumes bool         // it is such a part
	at      *targetTally // of the target that is asked; nil: of none, or of such a part
}

// end gives everything back.
func (p *pull) end() {
	p.budget.end()
	p.turnTo(nil)
	if p.leave != nil {
		p.leave()
	}
}

// enter waits for a place.
func (p *pull) enter() (full *Error) {
	begun := time.Now()
	p.leave, full = p.o.limits.enter(p.budget)
	p.o.tally.waited(time.Since(begun))
	return full
}

// run asks one target after the other.
func (p *pull) run() (*Response, error) {
	var failed attempts
	for i, ask := range p.r.Asks {
		got, err := p.measured(ask)
		if err == nil {
			return p.response(ask, got), nil
		}
		err.Target = ask.Role
		failed = append(failed, err)
		if p.budget.ctx.Err() != nil || i == len(p.r.Asks)-1 || !p.o.over.covers(err) {
			break
		}
		p.o.failingOver(p.budget.ctx, err)
	}
	return nil, failed.verdict()
}

// try asks a target once, if nothing keeps requests away from it.
func (p *pull) try(a Ask) (*reply, *Error) {
	h, err := p.first(a)
	if err != nil {
		return nil, err
	}
	with, err := h.t.admit(p.o.now(), p.resumes)
	if err != nil {
		return nil, err
	}
	got, err := p.follow(h)
	if err == nil {
		err = p.begin(got)
	}
	p.settle(h.t, with, outcomeOf(err), err)
	if err != nil {
		return nil, err
	}
	got.with = with
	return got, nil
}

// first makes the request to the target itself.
func (p *pull) first(a Ask) (hop, *Error) {
	u, err := parseURL(a.URL)
	if err != nil {
		return hop{}, &Error{Kind: KindFailed, Op: opAnswer, Err: err}
	}
	h := hop{t: p.o.targets[a.Role], url: u, header: canonical(p.r.Header), kept: true}
	if h.t.bucket != nil && !utf8.ValidString(u.Path) {
		// The keys of S3 are UTF-8: no bucket can hold this one, and no signature could cover it.
		return hop{}, &Error{Kind: KindNotFound, Op: opStatus, Status: http.StatusNotFound}
	}
	return h, nil
}

// follow follows redirects to an answer.
func (p *pull) follow(h hop) (*reply, *Error) {
	for {
		answer, err := p.send(h)
		if err != nil {
			return nil, err
		}
		if !isRedirect(answer.StatusCode) {
			return p.judge(h, answer)
		}
		next, handedOn, err := p.redirected(h, answer)
		if next == nil {
			return handedOn, err
		}
		h = *next
	}
}

// hop is one request on the way to an answer.
type hop struct {
	t      *target
	url    *url.URL
	header http.Header
	count  int  // the redirects that led here
	kept   bool // no redirect has led to another place yet: signature, secrets and the bucket's own answers hold
}

// send sends one request and waits for the whole header of its answer. 1xx answers do not count.
func (p *pull) send(h hop) (*answer, *Error) {
	if err := p.o.limits.turn(p.budget); err != nil {
		return nil, err
	}
	ctx, span := p.span(h)
	got, err := p.exchange(ctx, h)
	endSpan(span, got, err)
	return got, err
}

func (p *pull) exchange(ctx context.Context, h hop) (*answer, *Error) {
	w := watched(ctx)
	seen := new(progress)
	req := p.request(httptrace.WithClientTrace(w.ctx, p.trace(w, seen)), h)
	if h.kept && h.t.bucket != nil {
		if err := h.t.bucket.sign(req); err != nil {
			defer w.end()
			return nil, failure(w.ctx, opCredentials, err)
		}
	}
	w.arm(&limitError{"timeouts.connect", p.o.c.Timeouts.Connect})
	seen.op.Store(opConnect)
	begun := time.Now()
	response, err := h.t.transport(h.url).RoundTrip(req)
	w.disarm()
	if err != nil {
		defer w.end()
		e := failure(w.ctx, seen.op.Load().(string), err)
		e.ill = p.blames(h, e, time.Since(begun))
		e.cut = e.Kind == KindFailed && seen.cut(err)
		return nil, e
	}
	got := &answer{response, w}
	if err := clean(response.Header); err != nil {
		got.cutOff()
		return nil, &Error{Kind: KindFailed, Op: opAnswer, Temporary: true, Err: err}
	}
	return got, nil
}

func (p *pull) request(ctx context.Context, h hop) *http.Request {
	req := &http.Request{
		Method: p.r.Method, URL: h.url, Host: h.url.Host, Header: h.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if h.t.hostHeader != "" && h.t.isHome(h.url) {
		req.Host = h.t.hostHeader
	}
	p.propagate(ctx, req.Header)
	return req.WithContext(ctx)
}

// failure describes an error of what was done under ctx, which tells whether a limit is behind it.
func failure(ctx context.Context, op string, err error) *Error {
	if ctx.Err() != nil {
		return ended(ctx, op)
	}
	e := &Error{Kind: KindFailed, Op: op, Err: err, Temporary: true}
	var slow net.Error
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		e.Temporary = false
	case errors.As(err, &slow) && slow.Timeout():
		e.Kind = KindTimeout
	}
	return e
}

// canonical copies a header with the names in the form that net/http looks for.
func canonical(h http.Header) http.Header {
	made := make(http.Header, len(h))
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		made[name] = append(made[name], values...)
	}
	made.Del("Host")
	return made
}
