package rules

import (
	"fmt"
	"net/http"
	"slices"
)

// Ask is one URL that is asked.
type Ask struct {
	Role string `json:"role"` // of the target
	URL  string `json:"url"`  // exact: what is in it goes on the wire as it is
}

// Plan is what would be asked of origins for one request. It is the caller's to change.
type Plan struct {
	// Path is the rewritten path, decoded and with its leading "/". It is "" when nothing was rewritten.
	Path string
	// Asks are the URLs in the order in which they are asked. In redirect mode there is one, and it is the Location.
	Asks []Ask
	// Header is exactly what goes to the origin, mirrorgate's own headers included. The signature of a signed target
	// comes on top, and replaces an Authorization.
	Header http.Header
	// Cookie tells that Header carries the client's own Cookie.
	Cookie bool
	// Solo tells that nobody else may be given the answer: it is made for the client's Cookie, and the rule does not
	// set that aside.
	Solo bool
	// Trace tells that the rule passes traceparent on: an origin may be told of the gateway's own trace, too.
	Trace bool
	// Secret holds the canonical names of the headers whose values come from the configuration. They may be
	// credentials: they are not shown, and do not follow a redirect to another host.
	Secret map[string]bool
}

// Location is where redirect mode sends the client: the URL that is asked first. It is "" when nobody is asked.
func (p Plan) Location() string {
	if len(p.Asks) == 0 {
		return ""
	}
	return p.Asks[0].URL
}

// Plan gives what would be asked of origins for d, for a client with these headers. In deny mode and without a rule
// that is nothing. ErrRefused: nobody is asked, and the client is sent nowhere. When one target must not be asked for
// the path, none is: which origin answers must not depend on what a client makes of the path. d.Err, if there is one,
// comes back as it is.
func (d Decision) Plan(client http.Header) (Plan, error) {
	if d.Err != nil {
		return Plan{}, d.Err
	}
	if d.Rule == nil || d.Mode == ModeDeny {
		return Plan{}, nil
	}
	p, err := d.asks()
	if err != nil {
		return Plan{}, err
	}
	p.Header, p.Cookie = d.Rule.header(client, d.Mode)
	p.Solo = p.Cookie && !d.overrides(reasonCookie)
	p.Trace = d.Rule.policy.passes("Traceparent", false)
	p.Secret = make(map[string]bool)
	for name := range d.Rule.config.Forward.Headers.Set {
		p.Secret[http.CanonicalHeaderKey(name)] = true
	}
	return p, nil
}

// asks gives a plan with its path and its URLs.
func (d Decision) asks() (Plan, error) {
	r := d.Rule
	if r.set.mayBeVariant(d.Key) {
		return Plan{}, fmt.Errorf("%w: the key is also that of a file with a query (forward.query: key)", ErrRefused)
	}
	escapes := r.set.config.escapes()
	path := r.config.Rewrite.path(r.config.Match.Prefix, d.Key, escapes)
	var p Plan
	if path != (Rewrite{}).path("", d.Key, escapes) {
		p.Path = "/" + path
	}
	for _, t := range r.config.Targets {
		if t.refuses(path) {
			return Plan{}, fmt.Errorf("%w by the %s target", ErrRefused, t.Role)
		}
		url := t.url(path)
		if d.HasQuery {
			url = t.withQuery(url, d.Query)
		}
		p.Asks = append(p.Asks, Ask{Role: t.Role, URL: url})
	}
	return p, nil
}

// overrides tells whether the rule sets a reason not to keep an answer aside.
func (d Decision) overrides(reason string) bool {
	return slices.Contains(d.Rule.config.Store.Override, reason)
}
