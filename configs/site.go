package configs

import (
	"fmt"
	"strings"
	"time"

	"mirrorgate/cache/bucket"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// Site is what the gateway serves under some hosts: a bucket, and the rules for what the bucket lacks.
type Site struct {
	Name            string        `yaml:"name"`
	Hosts           []string      `yaml:"hosts"` // names, "*.suffix" or "*"
	Bucket          bucket.Config `yaml:"bucket"`
	Save            bool          `yaml:"save"` // false: serve and pull, save nothing
	rules.SetConfig `yaml:",inline"`

	Validators          string        `yaml:"validators"`            // whose ETag and Last-Modified clients see
	ETagSuffixes        []string      `yaml:"etag_suffixes"`         // stripped from a client's If-None-Match
	NegativeTTL         time.Duration `yaml:"negative_ttl"`          // for which 404 and passed statuses are remembered
	OriginFailureStatus int           `yaml:"origin_failure_status"` // 0: 502 and 504; 424 replaces both

	Rules []Rule `yaml:"rules"`
}

// ValidatorsOrigin and ValidatorsBucket are the values of Site.Validators.
const (
	ValidatorsOrigin = "origin"
	ValidatorsBucket = "bucket"
)

// SetDefaults sets what a site is without configuration.
func (s *Site) SetDefaults() {
	*s = Site{
		Save:         true,
		SetConfig:    rules.DefaultSetConfig(),
		Validators:   ValidatorsOrigin,
		ETagSuffixes: []string{"-gzip", "-br"},
		NegativeTTL:  5 * time.Second,
	}
}

// maxETagSuffixes bounds what is tried on each If-None-Match.
const maxETagSuffixes = 20

// Validate reports every mistake that shows in the site alone. The rules' Targets must be set.
func (s *Site) Validate(report func(path, problem string)) {
	if !isName(s.Name) {
		report("name", "must be 1 to 63 of a-z, 0-9 and -")
	}
	if len(s.Hosts) == 0 {
		report("hosts", `must name at least one host; "*" is every host that no other site has`)
	}
	s.Bucket.Validate(under("bucket", report))
	oneOf("validators", s.Validators, []string{ValidatorsOrigin, ValidatorsBucket}, report)
	s.checkSuffixes(report)
	if s.NegativeTTL > 24*time.Hour {
		report("negative_ttl", "must be at most 24h")
	}
	if s.OriginFailureStatus != 0 && s.OriginFailureStatus != 424 {
		report("origin_failure_status", "must be 0 (502 and 504) or 424")
	}
	s.SetConfig.Validate(report)
	rules.ValidateSet(s.SetConfig, s.RuleConfigs(), report)
	for i, r := range s.Rules {
		r.Origin.Validate(under(fmt.Sprintf("rules[%d].origin", i), report))
		if s.Bucket.Dir != "" {
			reportDirStore(r.Store, under(fmt.Sprintf("rules[%d].store", i), report))
		}
	}
}

// reportDirStore reports what only an S3 bucket can do with an object.
func reportDirStore(s rules.Store, report func(path, problem string)) {
	for _, f := range []struct {
		path, name string
		set        bool
	}{
		{"storage_class", "storage classes", s.StorageClass != ""},
		{"encryption", "encryption", s.Encryption != ""},
		{"kms_key", "encryption", s.KMSKey != ""},
		{"acl", "ACLs", s.ACL != ""},
		{"tags", "tags", len(s.Tags) > 0},
	} {
		if f.set {
			report(f.path, "a directory bucket has no "+f.name+": leave it out")
		}
	}
}

func (s *Site) checkSuffixes(report func(path, problem string)) {
	if len(s.ETagSuffixes) > maxETagSuffixes {
		report("etag_suffixes", fmt.Sprintf("at most %d", maxETagSuffixes))
	}
	for i, suffix := range s.ETagSuffixes {
		if suffix == "" || strings.ContainsFunc(suffix, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
			report(fmt.Sprintf("etag_suffixes[%d]", i), "must be characters that an ETag may hold, without quotes")
		}
	}
}

// RuleConfigs gives the rules as package rules takes them.
func (s *Site) RuleConfigs() []rules.Config {
	list := make([]rules.Config, len(s.Rules))
	for i, r := range s.Rules {
		list[i] = r.Config
	}
	return list
}

func (s *Site) setTargets() {
	for i := range s.Rules {
		s.Rules[i].setTargets()
	}
}

// Rule is one rule of a site, with the origin that it asks.
type Rule struct {
	rules.Config `yaml:",inline"`
	Origin       origin.Config `yaml:"origin"`
}

// SetDefaults sets what a rule is without configuration.
func (r *Rule) SetDefaults() {
	r.Config.SetDefaults()
	r.Origin.SetDefaults()
}

// setTargets tells package rules of the origin's targets, the primary first.
func (r *Rule) setTargets() {
	r.Targets = nil
	add := func(role string, t origin.Target) {
		if t.Zero() {
			return
		}
		base, keyPrefix, signed := t.Base()
		target := rules.Target{Role: role, Base: base, KeyPrefix: keyPrefix, Signed: signed, ConnectTo: t.ConnectTo}
		r.Targets = append(r.Targets, target)
	}
	add("primary", r.Origin.Primary)
	add("backup", r.Origin.Backup)
}

func isName(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
