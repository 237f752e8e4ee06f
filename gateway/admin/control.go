package admin

import (
	"context"
	"encoding/json"
)

// ConfigView is the configuration in force.
type ConfigView struct {
	File  string `json:"file"` // its path; "": it was made of the command line
	Setup string `json:"setup"`
	// Config is all of it with defaults, what the API has changed included, and without secrets.
	Config json.RawMessage `json:"config"`
	Reload ReloadState     `json:"reload"`
}

// Control is what steers the process.
type Control interface {
	Config(ctx context.Context) ConfigView
	// Reload reads the file again. All or nothing: *InvalidError names every mistake in it, and the configuration in force
	// stays.
	Reload(ctx context.Context) (ReloadState, error)
	LogLevel() string
	// SetLogLevel holds until the next reload or restart. *InvalidError: there is no such level.
	SetLogLevel(level string) error
	// Purge drops what is known of a site's objects in memory, and negative answers: of the keys given, or of all that
	// begin with prefix; at all gateways of a fleet. It says how many entries this gateway dropped.
	Purge(ctx context.Context, site string, keys []string, prefix *string) (dropped int, err error)
	// Pull has an object pulled that the bucket lacks, and waits for its end. It says in a word what came of it: present,
	// pulled, gone at the origin; or why it cannot be kept.
	Pull(ctx context.Context, site, key string) (outcome string, err error)
}
