package origin

import (
	"net/http"
	"strings"
)

// SmuggledName, in the name or value of a header field, and SmuggledBody, in a body, are what faults try to get past a
// cache: no client ever sees them. (Only a cache that is told to pass on fields it does not know may pass on a field of
// that name.)
const (
	SmuggledName = "X-Smuggled"
	SmuggledBody = "smuggled"
)

// Smuggled is what has got past the cache in a header, or in the text of a refusal; "" is nothing.
func Smuggled(h http.Header, refusal string) string {
	for name, values := range h {
		if field := name + ": " + strings.Join(values, ", "); hasFold(field, SmuggledName) {
			return field
		}
	}
	if hasFold(refusal, SmuggledBody) {
		return refusal
	}
	return ""
}

func hasFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
