package gateway

import (
	"time"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// Origin is where a rule pulls from.
type Origin struct {
	*origin.Origin
	Answer time.Duration // the rule's timeouts.answer
	Stall  time.Duration // the rule's timeouts.stall
}

// Site is one set of hosts with a bucket and rules. It does not change once it serves.
type Site struct {
	cache.Site // name, bucket, save

	Hosts   []string // as configured: names, "*.name", or "*"
	Key     rules.SetConfig
	Rules   *rules.Set
	Origins map[string]Origin // by rule id; deny rules have none

	BucketValidators bool     // clients see the bucket's ETag and Last-Modified rather than the origin's
	ETagSuffixes     []string // stripped from a client's If-None-Match, for 304 only
	NegativeTTL      time.Duration
	FailureStatus    int // 0: 502 and 504; else replaces both

	tallies []*tally // by the place of their rule; the last one is of keys that no rule is for
}
