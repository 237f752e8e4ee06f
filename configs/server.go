package configs

import (
	"fmt"
	"slices"
	"strings"

	"mirrorgate/cache"
	"mirrorgate/gateway"
)

// Log is what the process says of itself, on standard error, and of its requests.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json

	Access       string `yaml:"access"`        // a file, stdout, or "": no access log
	AccessFormat string `yaml:"access_format"` // of gateway.AccessFormats
}

// Validate reports every mistake.
func (l Log) Validate(report func(path, problem string)) {
	oneOf("level", l.Level, []string{"debug", "info", "warn", "error"}, report)
	oneOf("format", l.Format, []string{"text", "json"}, report)
	oneOf("access_format", l.AccessFormat, gateway.AccessFormats(), report)
}

func oneOf(path, value string, known []string, report func(path, problem string)) {
	if !slices.Contains(known, value) {
		report(path, fmt.Sprintf("%q is not one of %s", value, strings.Join(known, ", ")))
	}
}

// Limits bound what the whole gateway does at one time. Each error that one causes names it.
type Limits struct {
	cache.Limits `yaml:",inline"`
	MaxInflight  int   `yaml:"max_inflight"` // requests being answered
	MinRate      int64 `yaml:"min_rate"`     // bytes per second that a client or an origin must move
}

// DefaultLimits suit a machine of a few cores.
func DefaultLimits() Limits {
	return Limits{
		Limits: cache.DefaultLimits(), MaxInflight: gateway.DefaultMaxInflight, MinRate: gateway.DefaultMinRate,
	}
}

// Validate reports every limit that would let nothing through.
func (l Limits) Validate(report func(path, problem string)) {
	l.Limits.Validate(report)
	if l.MaxInflight < 1 {
		report("max_inflight", "must be at least 1")
	}
	if l.MinRate < 0 {
		report("min_rate", "must not be negative")
	}
}
