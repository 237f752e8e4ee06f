package origin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxLocation = 8 << 10 // bytes

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected decides about a redirect: the next hop, or a reply when the client is to follow it. It ends the answer.
func (p *pull) redirected(h hop, a *answer) (*hop, *reply, *Error) {
	a.drop()
	to, err := location(h.url, a.Header)
	if err != nil {
		return nil, nil, redirectError(a, err)
	}
	slash := addsSlash(h.url, to)
	if slash || p.o.c.FollowRedirects == 0 || p.o.served(hostOf(to)) && !h.t.diverts(to) {
		return nil, handedOn(h, a, to, slash), nil
	}
	if h.count >= p.o.c.FollowRedirects {
		return nil, nil, redirectError(a, fmt.Errorf("over %d redirects (follow_redirects)", p.o.c.FollowRedirects))
	}
	if problem := authorityProblem(to); problem != "" {
		return nil, nil, redirectError(a, errors.New("Location: "+problem))
	}
	next := h.to(to, p.r.Secret)
	return &next, nil, nil
}

func redirectError(a *answer, err error) *Error {
	return &Error{Kind: KindFailed, Op: opRedirect, Status: a.StatusCode, Err: err}
}

// location reads where a redirect leads.
func location(from *url.URL, header http.Header) (*url.URL, error) {
	values := header.Values("Location")
	if len(values) != 1 || len(values[0]) > maxLocation {
		return nil, fmt.Errorf("%d Location headers, where one of at most %d bytes belongs", len(values), maxLocation)
	}
	ref, err := parseURL(values[0])
	if err != nil {
		return nil, fmt.Errorf("parse Location: %w", err)
	}
	to := from.ResolveReference(ref)
	if to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil, errors.New("a Location that is not an http or https URL")
	}
	return to, nil
}

// addsSlash tells whether a redirect says no more than that the object is a folder. Servers behind a proxy often get
// scheme and port wrong when they say so; these do not count.
func addsSlash(from, to *url.URL) bool {
	return hostOf(from) == hostOf(to) && to.Path == from.Path+"/" && strings.HasSuffix(to.EscapedPath(), "/") &&
		(to.RawQuery == from.RawQuery || to.RawQuery == "")
}

// diverts tells whether requests to u do not go where the name leads: a host that this gateway serves by now is then
// still the origin.
func (t *target) diverts(u *url.URL) bool { return t.dial.to != "" && t.isHome(u) }

// handedOn makes the reply of a redirect that the client is to follow. Its Location is the origin's own words,
// unless the client would take them to be about another URL than the origin did.
func handedOn(h hop, a *answer, to *url.URL, slash bool) *reply {
	said := encodeForbidden(a.Header.Get("Location"))
	if h.count > 0 {
		said = to.String()
	}
	a.Header.Set("Location", said)
	a.Header.Del("Content-Length")
	empty := &http.Response{StatusCode: a.StatusCode, Header: a.Header, Body: http.NoBody}
	return &reply{answer: &answer{empty, a.w}, hop: h, slash: slash}
}

// to returns the hop that follows h. What was dropped on the way is not taken up again: who redirects elsewhere may
// well choose where it leads from there.
func (h hop) to(to *url.URL, secret map[string]bool) hop {
	next := *to
	next.User, next.Fragment, next.RawFragment = nil, "", ""
	kept := h.kept && samePlace(h.url, &next)
	header := h.header
	if h.kept && !kept {
		header = abroad(header, secret)
	}
	return hop{t: h.t, url: &next, header: header, count: h.count + 1, kept: kept}
}

// samePlace tells whether two URLs have one scheme, host and port, or are http and https of one host on their default
// ports, in that order.
func samePlace(from, to *url.URL) bool {
	if hostOf(from) != hostOf(to) {
		return false
	}
	if from.Scheme == to.Scheme {
		return portOf(from) == portOf(to)
	}
	return from.Scheme == "http" && portOf(from) == "80" && to.Scheme == "https" && portOf(to) == "443"
}
