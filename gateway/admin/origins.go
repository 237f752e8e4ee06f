package admin

import (
	"context"
	"time"
)

// Origin is a target of a rule, and how it is.
type Origin struct {
	Site   string `json:"site"`
	Rule   string `json:"rule"`
	Target string `json:"target"` // primary or backup
	URL    string `json:"url"`    // without userinfo
	// State is up; open: its breaker lets nothing through; waiting: it asked for a pause (Retry-After); draining: somebody
	// takes it out; or paused: somebody has stopped all pulls of its rule.
	State string    `json:"state"`
	Until time.Time `json:"until,omitzero"` // of open and waiting
	// Inflight is how many requests to it are under way.
	Inflight int `json:"inflight"`
	// Pulls counts its answers since the start, by result.
	Pulls     map[string]int64 `json:"pulls"`
	LastError string           `json:"last_error,omitempty"` // public: no addresses, no secrets
	LastAsked time.Time        `json:"last_asked,omitzero"`
}

// Origins shows the targets of all rules and steers them. What it changes holds for this gateway until it is changed
// back or the gateway is restarted; rule.state is for what is to last. Error: ErrNoSuch.
type Origins interface {
	List() []Origin
	// Drain passes a target over for new pulls, as an open breaker does; those under way end by themselves.
	Drain(ctx context.Context, site, rule, target string) error
	// Pause answers all misses of a rule with 503 and Retry-After.
	Pause(ctx context.Context, site, rule string) error
	// Resume ends both.
	Resume(ctx context.Context, site, rule string) error
}
