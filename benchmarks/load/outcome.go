package main

import (
	"net/http"
	"slices"
	"strings"
)

// outcome is where an answer came from, as mirrorgate's Cache-Status says. The set is closed: what a server sends must
// not make the report grow.
func outcome(header http.Header) string {
	values := header.Values("Cache-Status")
	if len(values) == 0 {
		return "no Cache-Status"
	}
	for _, member := range strings.Split(strings.Join(values, ","), ",") {
		if name, params, _ := strings.Cut(strings.TrimSpace(member), ";"); name == "mirrorgate" {
			return ofParams(strings.Split(params, ";"))
		}
	}
	return "of another cache"
}

func ofParams(params []string) string {
	p := make(map[string]string)
	for _, param := range params {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		p[name] = value
	}
	_, hit := p["hit"]
	_, collapsed := p["collapsed"]
	from := p["detail"]
	switch {
	case hit && oneOf(from, "memory", "bucket", "spool", "negative"):
		return from
	case p["fwd"] == "uri-miss" && from == "redirect":
		return "redirect"
	case p["fwd"] == "uri-miss" && p["fwd-status"] == "200" && collapsed:
		return "mirrored " + target(from) + ", joined"
	case p["fwd"] == "uri-miss" && p["fwd-status"] == "200":
		return "mirrored " + target(from)
	case p["fwd"] == "uri-miss":
		return "miss, no object from " + target(from)
	case p["fwd"] == "partial":
		return "range passed through"
	case p["fwd"] == "bypass":
		return "passed through"
	case from == "deny":
		return "denied"
	}
	return "another of mirrorgate"
}

func target(detail string) string {
	if oneOf(detail, "primary", "backup") {
		return detail
	}
	return "an origin"
}

func oneOf(s string, all ...string) bool { return slices.Contains(all, s) }
