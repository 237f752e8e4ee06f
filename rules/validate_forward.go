package rules

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

func (c Config) validateForward(report func(path, problem string)) {
	oneOf(report, "forward.query", c.Forward.Query, QueryNone, QuerySame, QueryKey, QuerySkip)
	headers, at := c.Forward.Headers, under(report, "forward.headers.")
	for _, f := range []struct {
		path  string
		names int
	}{{"pass", len(headers.Pass)}, {"drop", len(headers.Drop)}, {"set", len(headers.Set)}} {
		if f.names > maxNames {
			at(f.path, fmt.Sprintf("has %d names; at most %d are possible", f.names, maxNames))
		}
	}
	headers.validatePass(at)
	for i, name := range headers.Drop {
		if !validName(name) {
			at(fmt.Sprintf("drop[%d]", i), notAName(name))
		}
	}
	c.validateSet(under(at, "set."))
}

func (h Headers) validatePass(report func(path, problem string)) {
	if h.Pass.All() {
		return
	}
	for i, name := range h.Pass {
		path := fmt.Sprintf("pass[%d]", i)
		switch {
		case !validName(name):
			report(path, notAName(name))
		case name == all:
			report(path, `"all" stands alone: write "pass: all", or a list of names`)
		case reserved(name):
			report(path, fmt.Sprintf("%s is never passed to an origin: leave it out", name))
		}
	}
}

// validateSet reports mistakes in the headers to set. Their values may be secrets and are never part of a problem.
func (c Config) validateSet(report func(path, problem string)) {
	seen := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(c.Forward.Headers.Set)) {
		canonical := http.CanonicalHeaderKey(name)
		switch other, twice := seen[canonical]; {
		case !validName(name):
			report(name, notAName(name))
		case twice:
			report(name, fmt.Sprintf("is the same header as %s: set it once", other))
		case canonical == "Authorization" && c.onlySigned():
			report(name, "a signed target gets a signature in its place: leave it out")
		case reserved(name) && canonical != "Authorization":
			report(name, fmt.Sprintf("%s is never set for an origin: leave it out", name))
		case !validValue(c.Forward.Headers.Set[name]):
			report(name, "the value holds a line break or another control character")
		}
		seen[canonical] = name
	}
}

// onlySigned tells whether every target signs its requests.
func (c Config) onlySigned() bool {
	return len(c.Targets) > 0 && !slices.ContainsFunc(c.Targets, func(t Target) bool { return !t.Signed })
}

func notAName(name string) string { return fmt.Sprintf("%q is not a header name", name) }
