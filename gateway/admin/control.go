package admin

import (
	"context"
	"encoding/json"
	"net/http"
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
	Config(ctx context.Context) (ConfigView, error)
	// Reload reads the file again. All or nothing: *InvalidError names every mistake in it, and the configuration in force
	// stays.
	Reload(ctx context.Context) (ReloadState, error)
	LogLevel() string
	// SetLogLevel holds until the next reload or restart. *InvalidError: there is no such level.
	SetLogLevel(level string) error
	// Purge drops what is known of a site's objects in memory, and negative answers, at all gateways of a fleet: of the
	// keys given, or of all that begin with prefix. It says how many entries this gateway had. ErrNoSuch: there is no such
	// site.
	Purge(ctx context.Context, site string, keys []string, prefix *string) (dropped int, err error)
	// Pull has an object pulled that the bucket lacks, and waits for its end. It says in a word what came of it: present,
	// pulled, gone at the origin; or why it cannot be kept.
	Pull(ctx context.Context, site, key string) (outcome string, err error)
}

func (s *Server) controlEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/api/v1/config", toRead, s.config},
		{http.MethodPost, "/api/v1/reload", toChange, s.reload},
		{http.MethodGet, "/api/v1/log", toRead, s.logLevel},
		{http.MethodPut, "/api/v1/log", toChange, s.setLogLevel},
		{http.MethodPost, "/api/v1/purge", toChange, s.purge},
		{http.MethodPost, "/api/v1/pull", toChange, s.pull},
	}
}

func (s *Server) config(w http.ResponseWriter, r *http.Request) {
	view, err := s.o.Control.Config(r.Context())
	s.answer(w, view, err)
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if nothing(w, r) {
		state, err := s.o.Control.Reload(r.Context())
		s.answer(w, state, err)
	}
}

// LogLevel is from which level on the process logs: debug, info, warn or error.
type LogLevel struct {
	Level string `json:"level"`
}

func (s *Server) logLevel(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, LogLevel{s.o.Control.LogLevel()})
}

func (s *Server) setLogLevel(w http.ResponseWriter, r *http.Request) {
	var req LogLevel
	if decode(w, r, "log level", &req) {
		err := s.o.Control.SetLogLevel(req.Level)
		s.answer(w, LogLevel{s.o.Control.LogLevel()}, err)
	}
}
