package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Order says which of several rules that match a key holds.
type Order string

// The orders of rules.
const (
	OrderFirstMatch Order = "first_match" // the first; a rule that no key can reach is a mistake
	OrderExclusive  Order = "exclusive"   // no two rules may match one key
)

// Serve says where a site's answers come from.
type Serve string

// The values of SetConfig.Serve.
const (
	ServeBucket Serve = "bucket" // the bucket, and the rules for what it lacks
	ServeOrigin Serve = "origin" // the rules alone: nothing is read from the bucket, and nothing kept
)

// The values of KeyConfig.Case.
const (
	CaseKeep  = "keep"
	CaseLower = "lower"
)

// The values of KeyConfig.BadUTF8.
const (
	BadUTF8Refuse = "refuse"
	BadUTF8Escape = "escape"
)

// SetConfig is what a site says about its keys and its rules as a whole.
type SetConfig struct {
	Serve Serve `yaml:"serve"`
	// Index is appended to keys that are empty or end in "/". Empty: nothing is.
	Index string    `yaml:"index"`
	Key   KeyConfig `yaml:"key"`
	Order Order     `yaml:"rule_order"`
}

// KeyConfig says how a decoded path becomes a key.
type KeyConfig struct {
	Case         string `yaml:"case"`          // keep, or lower: every letter by its Unicode simple mapping
	MergeSlashes bool   `yaml:"merge_slashes"` // runs of "/" are one, and none begins a key
	BadUTF8      string `yaml:"bad_utf8"`      // refuse, or escape
}

// DefaultSetConfig is what a site has that says nothing.
func DefaultSetConfig() SetConfig {
	return SetConfig{
		Serve: ServeBucket, Key: KeyConfig{Case: CaseKeep, BadUTF8: BadUTF8Refuse}, Order: OrderFirstMatch,
	}
}

// Validate reports the mistakes in c itself; ValidateSet reports those of its rules.
func (c SetConfig) Validate(report func(path, problem string)) {
	oneOf(report, "serve", c.Serve, ServeBucket, ServeOrigin)
	oneOf(report, "key.case", c.Key.Case, CaseKeep, CaseLower)
	oneOf(report, "key.bad_utf8", c.Key.BadUTF8, BadUTF8Refuse, BadUTF8Escape)
	oneOf(report, "rule_order", c.Order, OrderFirstMatch, OrderExclusive)
	if problem := c.indexProblem(); problem != "" {
		report("index", problem)
	}
}

// indexProblem says why Index cannot be appended to keys as it stands. What it lets through is the same whether it is
// appended before or after key.case and key.merge_slashes are applied.
func (c SetConfig) indexProblem() string {
	switch {
	case c.Index == "":
		return ""
	case strings.HasPrefix(c.Index, "/"), strings.HasSuffix(c.Index, "/"):
		return `must be a name such as index.html: it must neither begin nor end in "/"`
	case !utf8.ValidString(c.Index), strings.Contains(c.Index, "\x00"):
		return "must be UTF-8 without NUL, like every key"
	case dotSegment(c.Index):
		return `must not hold a "." or ".." segment`
	case strings.HasPrefix(c.Index, reservedPrefix):
		return fmt.Sprintf("keys under %q are mirrorgate's own and never answered", reservedPrefix)
	case len(c.Index) > maxKey:
		return fmt.Sprintf("is longer than a key may be (%d bytes)", maxKey)
	}
	return c.textProblem(c.Index)
}

// textProblem says why text cannot be part of any key of the site, or "".
func (c SetConfig) textProblem(text string) string {
	plain := text
	if c.escapes() {
		plain = unescape(text)
	}
	switch {
	case c.Key.Case == CaseLower && lower(plain) != plain:
		return "has upper-case letters, which key.case: lower leaves in no key; write it in lower case"
	case c.Key.MergeSlashes && strings.Contains(text, "//"):
		return `has "//", which key.merge_slashes leaves in no key; write "/"`
	}
	return ""
}

// escapes tells whether keys hold %XX for bytes that are not UTF-8.
func (c SetConfig) escapes() bool { return c.Key.BadUTF8 == BadUTF8Escape }
