package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"
)

// Options is what the listener stands on.
type Options struct {
	Config Config
	Ready  func() error // why the gateway should get no traffic yet, or nil

	// Refresh has the copy of a key compared with its origin at once, and says in a word what came of it.
	Refresh   func(ctx context.Context, site, key string) (outcome string, err error)
	Queue     Queue
	Explain   ExplainFunc
	Trial     TrialFunc
	Origins   Origins
	Control   Control
	Sites     Sites
	Migration MigrationView
	Fleet     FleetFunc       // nil: the gateway is on its own
	Metrics   http.Handler    // for Prometheus
	Overview  func() Overview // but for ReadOnly
	Log       *slog.Logger
}

// maxHeaderBytes bounds a request's header, the URL to be explained in it.
const maxHeaderBytes = 64 << 10

// The bounds of one connection.
const (
	writeWithin = time.Minute     // for a piece of an answer that nobody reads
	closeWithin = 2 * time.Second // for the answers under way at the end
)

// Server is the admin listener's handler.
type Server struct {
	o           Options
	http        *http.Server
	guard       guard
	writeWithin time.Duration
}

// New returns a Server; it listens when Serve is called.
func New(o Options) *Server {
	s := &Server{o: o, writeWithin: writeWithin}
	s.http = &http.Server{
		Handler: s.handler(), ReadTimeout: time.Minute, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: maxHeaderBytes,
	}
	return s
}

// Serve answers on ln until ctx ends, and closes it. With ctx the requests' contexts end; it returns when they have
// been answered, or closeWithin later.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.close()
	})
	defer stop()
	if err := s.http.Serve(listener{ln, s.writeWithin}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-closed
	return nil
}

// close lets answers under way end, for a while.
func (s *Server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

func (s *Server) handler() http.Handler { return s.route(s.endpoints()) }

func (s *Server) endpoints() []endpoint {
	return slices.Concat(
		pageEndpoints(),
		[]endpoint{
			{http.MethodGet, "/health", forAll, s.health},
			{http.MethodGet, "/metrics", forAll, s.metrics},
			{http.MethodGet, "/api/v1/overview", toRead, s.overview},
		},
		s.queueEndpoints(),
		s.originEndpoints(),
		s.controlEndpoints(),
		s.siteEndpoints(),
		s.migrationEndpoints(),
		[]endpoint{
			{http.MethodPost, "/api/v1/refresh", toChange, s.refresh},
			{http.MethodGet, "/api/v1/members", toRead, s.members},
			{http.MethodGet, "/api/v1/explain", toRead, s.explain},
			{http.MethodPost, "/api/v1/trial", toChange, s.trial},
			{http.MethodGet, "/api/v1/openapi.json", toRead, openAPI},
		},
	)
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if err := s.o.Ready(); err != nil {
		fail(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) { s.o.Metrics.ServeHTTP(w, r) }
