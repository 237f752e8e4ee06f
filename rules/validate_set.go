package rules

import (
	"fmt"
	"strings"
)

// maxExclusive is the most rules that exclusive order allows.
const maxExclusive = 20

// ValidateSet reports every mistake in a site's rules: those of each rule under "rules[i].", and those between rules,
// naming both. It does not look for mistakes in c itself; with an order that c.Validate refuses, what depends on the
// order is left out.
//
// A rule that is not enabled must be free of mistakes of its own, but nothing conflicts with it and it hides nothing.
func ValidateSet(c SetConfig, rules []Config, report func(path, problem string)) {
	for i, r := range rules {
		at := under(report, fmt.Sprintf("rules[%d].", i))
		r.Validate(c.Order, at)
		c.validateMatch(r.Match, at)
	}
	validateIDs(rules, report)
	switch c.Order {
	case OrderExclusive:
		validateExclusive(rules, report)
	case OrderFirstMatch:
		validateReach(rules, report)
	}
}

// validateMatch reports a prefix or suffix that no key of the site has, because of what is done to keys before they
// are matched.
func (c SetConfig) validateMatch(m Match, report func(path, problem string)) {
	if problem := c.textProblem(m.Prefix); problem != "" {
		report("match.prefix", problem)
	}
	if problem := c.textProblem(m.Suffix); problem != "" {
		report("match.suffix", problem)
	}
	if c.Key.MergeSlashes && strings.HasPrefix(m.Prefix, "/") {
		report("match.prefix", `begins with "/", which key.merge_slashes leaves at the beginning of no key`)
	}
	if c.Index != "" && strings.HasSuffix(m.Suffix, "/") {
		report("match.suffix", fmt.Sprintf(`ends in "/", where every key gets the index: match %q`, m.Suffix+c.Index))
	}
}

func validateIDs(rules []Config, report func(path, problem string)) {
	first := make(map[string]int)
	for i, r := range rules {
		if j, ok := first[r.ID]; ok {
			report(fmt.Sprintf("rules[%d].id", i), fmt.Sprintf("%q is the id of rules[%d] too; use another", r.ID, j))
			continue
		}
		first[r.ID] = i
	}
}

// validateExclusive reports each pair of rules that match a common key, at the later one.
func validateExclusive(rules []Config, report func(path, problem string)) {
	if len(rules) > maxExclusive {
		report("rules", fmt.Sprintf("has %d rules; exclusive order allows at most %d", len(rules), maxExclusive))
	}
	eachPair(rules, func(i, j int) bool {
		if rules[i].Match.conflicts(rules[j].Match) {
			report(fmt.Sprintf("rules[%d].match", j), fmt.Sprintf(
				"rules %q and %q can match one key; tell their prefixes or suffixes apart, or use rule_order: first_match",
				rules[i].ID, rules[j].ID))
		}
		return true
	})
}

// validateReach reports each rule that never holds because of an earlier one, with the first that hides it.
func validateReach(rules []Config, report func(path, problem string)) {
	eachPair(rules, func(i, j int) bool {
		hidden := rules[i].Match.covers(rules[j].Match)
		if hidden {
			report(fmt.Sprintf("rules[%d].match", j), fmt.Sprintf(
				"no key can reach rule %q: rule %q before it matches all that it matches; put it first, or remove it",
				rules[j].ID, rules[i].ID))
		}
		return !hidden
	})
}

// eachPair calls f for every enabled rule j with the enabled rules i before it, until f returns false for that j.
func eachPair(rules []Config, f func(i, j int) bool) {
	for j := range rules {
		for i := range j {
			if rules[i].Enabled && rules[j].Enabled && !f(i, j) {
				break
			}
		}
	}
}
