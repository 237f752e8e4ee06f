package gateway

import (
	"io"

	"mirrorgate/cache"
)

// answer is what the walk ends in.
type answer struct {
	status      int
	cacheStatus string
	source
	fields []cache.Field // headers besides those of the object

	// An object's answer. Its body is sent if it is not nil; length is then its length, -1 when unknown.
	meta   *cache.Meta
	body   io.ReadCloser
	length int64
	fresh  bool // the body comes from an origin, and it is not known whether any of it will
}

// source is where an answer comes from, as Answered tells it.
type source struct {
	outcome Outcome
	origin  string
	notKept string
}

// sourceOf is that of an object.
func sourceOf(obj *cache.Object) source {
	switch obj.Tier {
	case cache.TierMemory:
		return source{outcome: OutcomeMemory}
	case cache.TierBucket:
		return source{outcome: OutcomeBucket}
	case cache.TierSpool:
		return source{outcome: OutcomeSpool}
	}
	s := source{outcome: OutcomeMirrored, origin: obj.Pull.Target, notKept: obj.Pull.Reason}
	switch {
	case obj.Pull.Partial || obj.Body == nil:
		s.outcome = OutcomePassed
	case obj.Pull.Collapsed:
		s.outcome = OutcomeJoined
	}
	return s
}

func (a *answer) set(name, value string) {
	a.fields = append(a.fields, cache.Field{Name: name, Value: value})
}
