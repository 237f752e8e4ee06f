package rules

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Validate reports every mistake in c with its path, relative to c. order is the site's rule_order. What depends on
// other rules or on the site's keys is reported by ValidateSet, and what is wrong inside a target by the package that
// asks it.
func (c Config) Validate(order Order, report func(path, problem string)) {
	if !validID(c.ID) {
		report("id", fmt.Sprintf("%q must be 1 to 63 characters of a-z, 0-9 and -", c.ID))
	}
	c.validateState(report)
	oneOf(report, "mode", c.Mode, ModeMirror, ModeRedirect, ModeProxy, ModeDeny)
	oneOf(report, "head", c.Head, HeadOrigin, HeadOff)
	oneOf(report, "range", c.Range, RangePass, RangeFill)
	oneOf(report, "deny.status", c.Deny.Status, 403, 404, 410, 451)
	oneOf(report, "redirect.code", c.Redirect.Code, 301, 302, 303, 307, 308)
	c.validateWhen(report)
	c.Match.validate(order, report)
	c.validateRewrite(report)
	c.validateForward(report)
	c.Store.validate(report)
	c.validateTargets(report)
	c.validateRevalidate(report)
}

func (c Config) validateState(report func(path, problem string)) {
	oneOf(report, "state", c.State, StateActive, StatePaused, StateRetired)
	if c.Mode == ModeDeny && (c.State == StatePaused || c.State == StateRetired) {
		report("state", "deny mode asks no origin that could be "+string(c.State)+": leave it out, or use enabled: false")
	}
}

func (c Config) validateWhen(report func(path, problem string)) {
	oneOf(report, "when", c.Timing(), WhenMiss, WhenAlways)
	if c.Mode == ModeMirror && c.When == WhenAlways {
		report("when", "mirror mode needs the bucket: use miss, or mode proxy to ask the origin every time")
	}
}

func (m Match) validate(order Order, report func(path, problem string)) {
	if order == OrderExclusive && strings.HasSuffix(m.Prefix, "/") {
		report("match.prefix", `must not end in "/" in exclusive order; leave it out, or use rule_order: first_match`)
	}
	if strings.HasPrefix(m.Prefix, reservedPrefix) {
		report("match.prefix", fmt.Sprintf("keys under %q are mirrorgate's own and reach no rule", reservedPrefix))
	}
	for _, f := range []struct{ path, text string }{{"match.prefix", m.Prefix}, {"match.suffix", m.Suffix}} {
		if !utf8.ValidString(f.text) || strings.Contains(f.text, "\x00") {
			report(f.path, "must be UTF-8 without NUL: no key is anything else")
		}
	}
	if len(m.Prefix)+len(m.Suffix) > maxKey {
		report("match", fmt.Sprintf("prefix and suffix are longer together than a key may be (%d bytes)", maxKey))
	}
}

func (c Config) validateRewrite(report func(path, problem string)) {
	w := c.Rewrite
	if w.Crop && w.Replace != "" {
		report("rewrite", "crop and replace both deal with the matched prefix: use one of them")
	}
	if w.Crop && c.Match.Prefix == "" {
		report("rewrite.crop", "needs match.prefix: it removes the matched prefix")
	}
	if w.Replace != "" && c.Match.Prefix == "" {
		report("rewrite.replace", "needs match.prefix, which it replaces; rewrite.prefix puts a folder before all paths")
	}
	onlySlashes := func(s string) bool { return s != "" && strings.Trim(s, "/") == "" }
	if onlySlashes(w.Replace) {
		report("rewrite.replace", "has nothing but slashes: use rewrite.crop to remove the matched prefix")
	}
	if onlySlashes(w.Prefix) {
		report("rewrite.prefix", "has nothing but slashes: leave it out")
	}
	if w.Fixed != "" {
		c.validateFixed(report)
	}
}

// validateFixed reports what does not go with a fixed name.
func (c Config) validateFixed(report func(path, problem string)) {
	if c.Mode != ModeRedirect {
		report("rewrite.fixed", "only redirect mode can have a fixed name: every key would get the same bytes")
	}
	if (c.Rewrite != Rewrite{Fixed: c.Rewrite.Fixed}) {
		report("rewrite.fixed", "is the whole path: it excludes crop, replace, prefix and suffix")
	}
	if c.Forward.Query == QuerySkip {
		report("forward.query", "skip proxies requests with a query, which a fixed name forbids: use none or same")
	}
	if (Target{}).refuses(withoutSlash(c.Rewrite.Fixed)) {
		report("rewrite.fixed", `must have no "." or ".." segment and no backslash: such a path is never asked`)
	}
}

// validateTargets reports which targets the rule lacks, and which its mode cannot have. In deny mode a primary is not
// needed but may stay, so that a rule can be turned into a denial and back by one word.
func (c Config) validateTargets(report func(path, problem string)) {
	primary, backup := false, false
	for _, t := range c.Targets {
		primary = primary || t.Role == RolePrimary
		backup = backup || t.Role == RoleBackup
		if c.Mode == ModeRedirect {
			t.validateRedirect(under(report, "origin."+t.Role))
		}
	}
	if !primary && c.Mode != ModeDeny {
		report("origin.primary", fmt.Sprintf("%s mode needs a target: a URL such as https://old.example.com", c.Mode))
	}
	if backup && (c.Mode == ModeRedirect || c.Mode == ModeDeny) {
		report("origin.backup", fmt.Sprintf("%s mode has no use for a backup; only mirror and proxy have", c.Mode))
	}
}

// validateRedirect reports why clients cannot be sent to t.
func (t Target) validateRedirect(report func(path, problem string)) {
	if t.Signed {
		report("", "clients cannot be redirected to a signed target: they have no key for it; use mode mirror or proxy")
		return
	}
	if t.ConnectTo != "" {
		report(".connect_to", "does not go with redirect mode: clients would go where DNS leads, not there")
	}
	if u, err := url.Parse(t.Base); err == nil && u.User != nil {
		report("", "holds a user or password, which redirect mode would show to every client")
	}
}

// validID tells whether id is 1 to 63 characters of a-z, 0-9 and "-".
func validID(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 63
}

// oneOf reports a value that is none of those allowed.
func oneOf[T comparable](report func(path, problem string), path string, got T, allowed ...T) {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		if got == a {
			return
		}
		names[i] = fmt.Sprint(a)
	}
	last := len(names) - 1
	report(path, fmt.Sprintf("unknown value %q: use %s or %s", fmt.Sprint(got),
		strings.Join(names[:last], ", "), names[last]))
}

// under gives a report whose paths stand below prefix.
func under(report func(path, problem string), prefix string) func(path, problem string) {
	return func(path, problem string) { report(prefix+path, problem) }
}
