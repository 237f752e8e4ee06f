package rules

import "strings"

// Matches tells whether a rule with m is for key: it starts with Prefix, ends with Suffix, and is at least as long as
// both together. Bytes are compared; a prefix is a string, not a folder.
func (m Match) Matches(key string) bool {
	return len(key) >= len(m.Prefix)+len(m.Suffix) &&
		strings.HasPrefix(key, m.Prefix) && strings.HasSuffix(key, m.Suffix)
}

// conflicts tells whether some key is matched by both m and o: exactly when one prefix begins the other and one
// suffix ends the other, for then the longer prefix followed by the longer suffix is such a key.
func (m Match) conflicts(o Match) bool {
	return (strings.HasPrefix(m.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, m.Prefix)) &&
		(strings.HasSuffix(m.Suffix, o.Suffix) || strings.HasSuffix(o.Suffix, m.Suffix))
}

// covers tells whether m matches every key that o matches. Those are o.Prefix, anything, o.Suffix. What m asks for at
// the ends must be there whatever stands between, so it must lie within o's ends; and then m asks for no greater
// length either, since its prefix and its suffix are no longer than o's.
func (m Match) covers(o Match) bool {
	return strings.HasPrefix(o.Prefix, m.Prefix) && strings.HasSuffix(o.Suffix, m.Suffix)
}
