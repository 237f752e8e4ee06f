package admin

import (
	"context"
	"net/http"
	"slices"
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
	List() []Origin // the caller's own, and not nil
	// Drain passes a target over for new pulls, as an open breaker does; those under way end by themselves.
	Drain(ctx context.Context, site, rule, target string) error
	// Pause answers all misses of a rule with 503 and Retry-After.
	Pause(ctx context.Context, site, rule string) error
	// Resume ends both.
	Resume(ctx context.Context, site, rule string) error
}

// OriginRequest names what is drained, paused or resumed: a target for the first, a rule for the others.
type OriginRequest struct {
	Site   string `json:"site"`
	Rule   string `json:"rule"`
	Target string `json:"target,omitempty"`
}

func (s *Server) originEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/api/v1/origins", toRead, s.listOrigins},
		{http.MethodPost, "/api/v1/origins/drain", toChange, s.drainOrigin},
		{http.MethodPost, "/api/v1/origins/pause", toChange, s.steerRule(func(ctx context.Context, r OriginRequest) error {
			return s.o.Origins.Pause(ctx, r.Site, r.Rule)
		})},
		{http.MethodPost, "/api/v1/origins/resume", toChange, s.steerRule(func(ctx context.Context, r OriginRequest) error {
			return s.o.Origins.Resume(ctx, r.Site, r.Rule)
		})},
	}
}

func (s *Server) listOrigins(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.o.Origins.List())
}

func (s *Server) drainOrigin(w http.ResponseWriter, r *http.Request) {
	var req OriginRequest
	if decode(w, r, "drain request", &req) {
		s.steered(w, req, s.o.Origins.Drain(r.Context(), req.Site, req.Rule, req.Target))
	}
}

// steerRule changes all targets of a rule; a request that names one of them is mistaken.
func (s *Server) steerRule(change func(context.Context, OriginRequest) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req OriginRequest
		switch {
		case !decode(w, r, "request for a rule", &req):
		case req.Target != "":
			s.failWith(w, Invalid("target", "is for a drain only: this is about all targets of the rule"))
		default:
			s.steered(w, req, change(r.Context(), req))
		}
	}
}

// steered answers with how the rule's targets are now.
func (s *Server) steered(w http.ResponseWriter, req OriginRequest, err error) {
	if err != nil {
		s.failWith(w, err)
		return
	}
	other := func(o Origin) bool { return o.Site != req.Site || o.Rule != req.Rule }
	reply(w, http.StatusOK, slices.DeleteFunc(s.o.Origins.List(), other))
}
