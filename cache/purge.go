package cache

import (
	"strings"
)

// Purge drops what is known of a site's objects: what is in memory, and what was remembered, such as that origins do
// not have them. It is about the keys given, and if prefix is not nil about all that begin with it. What was asked
// before, and is answered later, is not kept in memory. It returns how many entries there were.
func (c *Cache) Purge(site string, keys []string, prefix *string) (dropped int) {
	named := make(map[string]bool, len(keys))
	for _, key := range keys {
		named[key] = true
	}
	of := func(id ID) bool {
		return id.Site == site && (named[id.Key] || prefix != nil && strings.HasPrefix(id.Key, *prefix))
	}
	if c.memory != nil {
		dropped = c.memory.purge(of)
	}
	for _, purge := range []func(func(ID) bool) int{
		c.negative.answers.purge, c.heads.purge, c.unshared.purge, c.failed.purge, c.checked.purge,
	} {
		dropped += purge(of)
	}
	return dropped
}
