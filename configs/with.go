package configs

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"mirrorgate/rules"
)

// source is what a Config was made of.
type source struct {
	env   func(string) (string, bool)
	rules map[string]Written // by site
	file  *Config            // what With changed; nil: nothing did
	lives map[string]Live    // by site
}

// File is the configuration without what With has changed.
func (c *Config) File() *Config {
	if c.source.file != nil {
		return c.source.file
	}
	return c
}

// Lives is what With has changed, by site. It must not be changed.
func (c *Config) Lives() map[string]Live { return c.source.lives }

// newSource keeps the rules' nodes.
func newSource(root *node, sites []Site, env func(string) (string, bool)) source {
	s := source{env: env, rules: make(map[string]Written)}
	for i, site := range sites {
		s.rules[site.Name] = Written{root.at("sites").item(i).at("rules")}
	}
	return s
}

// at is the value of a key in a mapping, or nil.
func (n *node) at(key string) *node {
	if n == nil {
		return nil
	}
	for _, p := range n.pairs {
		if p.key == key && p.value.kind != kindNull {
			return p.value
		}
	}
	return nil
}

// item is an item of a list, or nil.
func (n *node) item(i int) *node {
	if n == nil || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// LiveError is what is wrong with each Live that cannot be in force, by site. Paths are relative to the site, and lines
// are those of its rules as they were put.
type LiveError map[string]Mistakes

// Error gives one mistake a line.
func (e LiveError) Error() string {
	var lines []string
	for _, site := range slices.Sorted(maps.Keys(e)) {
		for _, m := range e[site] {
			lines = append(lines, "site "+site+": "+m.String())
		}
	}
	return strings.Join(lines, "\n")
}

// With is the configuration that is in force when sites are changed by lives, by their names. c, which is a File, stays
// as it is. What a Live puts is checked as a file is; in it no secret may be written out, and only some environment
// variables be used: see lentTo. Names of sites and of rules that there are none of count for nothing. The error is a
// LiveError.
func (c *Config) With(lives map[string]Live) (*Config, error) {
	changed := *c
	changed.Sites, changed.source.rules = slices.Clone(c.Sites), maps.Clone(c.source.rules)
	changed.source.file, changed.source.lives = c, make(map[string]Live)
	journals := make([]*journal, len(c.Sites)) // of sites that a Live changes
	for i := range changed.Sites {
		site := &changed.Sites[i]
		site.Rules = slices.Clone(site.Rules) // check sets their targets
		live, ok := lives[site.Name]
		if !ok {
			continue
		}
		changed.source.lives[site.Name] = live
		journals[i] = newJournal()
		live.change(site, &decoder{journal: journals[i], env: variablesOf(c.environment()).lentTo(c.Written(site.Name))})
		if !live.Rules.IsZero() {
			changed.source.rules[site.Name] = live.Rules
		}
	}
	changed.check(func(path, problem string) {
		// What is wrong with another site is not for those who change this one: it was fine when the file was read.
		if i, rest, ok := cutSite(path); ok && journals[i] != nil {
			journals[i].report(rest, problem)
		}
	})
	failed := make(LiveError)
	for i, j := range journals {
		var list Mistakes
		if j != nil && errors.As(j.err(), &list) {
			failed[changed.Sites[i].Name] = list
		}
	}
	if len(failed) > 0 {
		return nil, failed
	}
	return &changed, nil
}

func (c *Config) environment() func(string) (string, bool) {
	if c.source.env == nil {
		return os.LookupEnv
	}
	return c.source.env
}

// cutSite takes "sites[N]." off a path.
func cutSite(path string) (i int, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, "sites[")
	number, rest, found := strings.Cut(path, "].")
	i, err := strconv.Atoi(number)
	return i, rest, ok && found && err == nil
}

// change puts into a site what the Live has.
func (l Live) change(site *Site, d *decoder) {
	if l.Serve != nil {
		site.Serve = rules.Serve(*l.Serve)
	}
	if l.Save != nil {
		site.Save = *l.Save
	}
	if !l.Rules.IsZero() {
		file := site.Rules
		site.Rules = nil
		l.Rules.list.refuseSecrets("rules", d.journal)
		d.left = maxValues
		d.field(l.Rules.list, l.Rules.list.line, reflect.ValueOf(&site.Rules).Elem(), "rules")
		refuseOwnKeys(file, site.Rules, d.journal.report)
	}
	for i := range site.Rules {
		rule := &site.Rules[i]
		s := l.Switches[rule.ID]
		if s.Enabled != nil {
			rule.Enabled = *s.Enabled
		}
		if s.State != nil {
			rule.State = rules.State(*s.State)
		}
	}
}
