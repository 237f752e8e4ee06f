package rules

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxStoreHeaders is the most names that store.headers holds.
const maxStoreHeaders = 20

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

func (s Store) validate(report func(path, problem string)) {
	if s.StorageClass != "" && (!validName(s.StorageClass) || len(s.StorageClass) > 64) {
		report("store.storage_class", fmt.Sprintf("%q is no storage class such as STANDARD_IA", s.StorageClass))
	}
	if s.MaxObject < 0 {
		report("store.max_object", "must not be negative; 0 means no limit")
	}
	if len(s.Headers) > maxStoreHeaders {
		report("store.headers", fmt.Sprintf("has %d names; at most %d are possible", len(s.Headers), maxStoreHeaders))
	}
	for i, name := range s.Headers {
		if problem := s.headerProblem(i, name); problem != "" {
			report(fmt.Sprintf("store.headers[%d]", i), problem)
		}
	}
	for i, reason := range s.Override {
		oneOf(report, fmt.Sprintf("store.override[%d]", i), reason, overridable()...)
	}
}

// headerProblem says why store.headers cannot hold name at i.
func (s Store) headerProblem(i int, name string) string {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	switch {
	case !validName(name):
		return notAName(name)
	case slices.ContainsFunc(s.Headers[:i], same):
		return fmt.Sprintf("%s is in the list twice", name)
	case slices.ContainsFunc(keptAnyway(), same):
		return fmt.Sprintf("%s is kept without being listed: leave it out", name)
	case neverReplayed(strings.ToLower(name)):
		return fmt.Sprintf("%s belongs to one answer and is never kept: leave it out", name)
	}
	return ""
}

// keptAnyway are the headers of the origin that every stored object has.
func keptAnyway() []string {
	return []string{
		"Content-Type", "Content-Encoding", "Content-Disposition", "Cache-Control", "Expires", "Content-Language",
		"Access-Control-Allow-Origin", "ETag", "Last-Modified",
	}
}

// neverReplayed tells whether a response header, in lower case, is about one connection, one message or one client,
// or is the gateway's own to write.
func neverReplayed(name string) bool {
	switch name {
	case "set-cookie", "set-cookie2", "content-length", "content-range", "accept-ranges", "date", "age", "server",
		"via", "cache-status", "cdn-loop", "x-request-id", "location", "retry-after", "www-authenticate", "allow",
		"alt-svc":
		return true
	}
	return isHopByHop(name) || strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "mg-")
}

func notAName(name string) string { return fmt.Sprintf("%q is not a header name", name) }
