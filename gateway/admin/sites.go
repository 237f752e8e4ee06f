package admin

import (
	"context"
	"encoding/json"
)

// Site is a site as it is in force.
type Site struct {
	Name   string   `json:"name"`
	Hosts  []string `json:"hosts"`
	Bucket string   `json:"bucket"`          // where it is, without credentials
	Ready  string   `json:"ready,omitempty"` // why its bucket may not be used
	Serve  string   `json:"serve"`           // bucket or origin
	Save   bool     `json:"save"`
	Rules  []Rule   `json:"rules"`
	// ETag changes whenever any of this does that a change over the API replaces. It is what If-Match is compared with.
	ETag string `json:"etag"`
	// FromAPI lists what comes from a change over the API rather than from the file: serve, save, rules, or
	// rules.ID.enabled and rules.ID.state.
	FromAPI []string `json:"from_api"`
	// Stored: changes over the API are kept in the bucket; "": they are. Else why not.
	StoreError string `json:"store_error,omitempty"`
}

// Rule is a rule at a glance; the whole of it is in the site's RuleSet.
type Rule struct {
	ID      string   `json:"id"`
	Enabled bool     `json:"enabled"`
	State   string   `json:"state"` // active, paused or retired
	Mode    string   `json:"mode"`
	When    string   `json:"when"`
	Prefix  string   `json:"prefix"`
	Suffix  string   `json:"suffix"`
	Targets []string `json:"targets"` // URLs without userinfo, the primary first
}

// RuleSet is the rules of a site as they were written: only fields that are given, ${NAME} as such, and other secrets
// as "***".
type RuleSet struct {
	Source string          `json:"source"` // file or api
	ETag   string          `json:"etag"`
	Rules  json.RawMessage `json:"rules"` // a list
}

// Switches is a change of a site. What is nil stays.
type Switches struct {
	Serve *string `json:"serve,omitempty"`
	Save  *bool   `json:"save,omitempty"`
}

// RuleSwitches is a change of a rule. What is nil stays.
type RuleSwitches struct {
	Enabled *bool   `json:"enabled,omitempty"`
	State   *string `json:"state,omitempty"`
}

// RulesChange is what a rule set does, or would do, to the one in force.
type RulesChange struct {
	Applied bool         `json:"applied"`
	ETag    string       `json:"etag"` // of what is in force now
	Changes []RuleChange `json:"changes"`
}

// RuleChange is one difference.
type RuleChange struct {
	Rule string   `json:"rule"`
	What string   `json:"what"` // added, removed, changed or moved
	Diff []string `json:"diff"` // of a changed rule: "match.prefix: img/ → images/"; secrets are not shown
}

// Mistake is one thing that is wrong with what was put.
type Mistake struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"` // in the body
	Problem string `json:"problem"`
}

// InvalidError lists all mistakes in a change; nothing was changed. It is answered with 422.
type InvalidError struct{ Mistakes []Mistake }

func (e *InvalidError) Error() string {
	if len(e.Mistakes) == 0 {
		return "the change is invalid"
	}
	return e.Mistakes[0].Path + ": " + e.Mistakes[0].Problem
}

// Sites is what steers sites and rules. A change names the ETag that it was made from: another one in force is
// ErrChanged, and nothing is changed. Other errors: ErrNoSuch, *InvalidError, and those of the bucket in which changes
// are kept.
type Sites interface {
	List(ctx context.Context) []Site
	Site(ctx context.Context, site string) (Site, error)
	Rules(ctx context.Context, site string) (RuleSet, error)
	// PutRules replaces the site's rules by a JSON list of rules. dry: it only tells what would change.
	PutRules(ctx context.Context, site, etag string, rules []byte, dry bool) (RulesChange, error)
	// DropRules goes back to the rules of the file, and drops the switches of rules, too.
	DropRules(ctx context.Context, site, etag string) (RulesChange, error)
	Switch(ctx context.Context, site, etag string, s Switches) (Site, error)
	SwitchRule(ctx context.Context, site, rule, etag string, s RuleSwitches) (Site, error)
	// DropSwitches goes back to the file's serve and save.
	DropSwitches(ctx context.Context, site, etag string) (Site, error)
}
