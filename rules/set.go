package rules

import "net/http"

// Identity is what the gateway says of itself to origins.
type Identity struct {
	UserAgent string // mirrorgate/VERSION
	Via       string // the pseudonym in Via (RFC 9110 section 7.6.3): mirrorgate
	LoopToken string // the cdn-id in CDN-Loop (RFC 8586): mirrorgate- and an id that nobody can guess
}

// Set is the rules of one site. It never changes; all methods may be called concurrently.
type Set struct {
	config SetConfig
	rules  []*Rule // the enabled ones, in their order
	id     Identity

	variants bool // some rule stores objects under a key with a query
}

// Rule is one enabled rule of a Set.
type Rule struct {
	config Config
	set    *Set
	place  int // in the set's rules
	policy headerPolicy
}

// NewSet makes a Set of rules that ValidateSet found no mistake in. Rules that are not enabled are left out. The
// caller must not change rules afterwards.
func NewSet(c SetConfig, rules []Config, id Identity) *Set {
	s := &Set{config: c, id: id}
	for _, config := range rules {
		if !config.Enabled {
			continue
		}
		s.rules = append(s.rules, &Rule{config: config, set: s, place: len(s.rules), policy: newHeaderPolicy(config)})
		s.variants = s.variants || config.Forward.Query == QueryKey
	}
	return s
}

// LoopToken is the token that a request carries in CDN-Loop when it went through this gateway before.
func (s *Set) LoopToken() string { return s.id.LoopToken }

// Rules are the enabled rules, in their order. The caller changes nothing in the list.
func (s *Set) Rules() []*Rule { return s.rules }

// ID is the rule's id.
func (r *Rule) ID() string { return r.config.ID }

// Place is where the rule stands among those of its Set, from 0.
func (r *Rule) Place() int { return r.place }

// Config is the rule as configured. It shares its slices and maps with the rule: they must not be changed.
func (r *Rule) Config() Config { return r.config }

// match gives the rule that holds for key, or nil. In exclusive order there is at most one, so the first is it.
func (s *Set) match(key string) *Rule {
	for _, r := range s.rules {
		if r.config.Match.Matches(key) {
			return r
		}
	}
	return nil
}

// mayBeVariant tells whether key is also what some other key with a query is stored under.
func (s *Set) mayBeVariant(key string) bool {
	if !s.variants {
		return false
	}
	for i := 1; i < len(key); i++ {
		if key[i] != '?' {
			continue
		}
		if r := s.match(key[:i]); r != nil && r.config.Forward.Query == QueryKey {
			return true
		}
	}
	return false
}

// header gives the headers for an origin (see Plan.Header), and whether a client's Cookie is among them.
func (r *Rule) header(client http.Header, mode Mode) (h http.Header, cookie bool) {
	h, loop := r.policy.passed(client, mode == ModeProxy)
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", r.set.id.UserAgent)
	}
	h.Set("Accept-Encoding", "identity")
	h.Set("Via", "1.1 "+r.set.id.Via)
	h.Set("CDN-Loop", loop+r.set.id.LoopToken)
	_, cookie = h["Cookie"]
	for name, value := range r.config.Forward.Headers.Set {
		name = http.CanonicalHeaderKey(name)
		h[name] = []string{value}
		cookie = cookie && name != "Cookie"
	}
	return h, cookie
}
