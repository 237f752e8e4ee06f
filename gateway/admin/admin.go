package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds a request's body, in bytes; maxKeys the keys of one refresh.
const (
	maxBody = 1 << 20
	maxKeys = 1000
)

// Options is what the listener stands on.
type Options struct {
	Config Config
	Ready  func() error // why the gateway should get no traffic yet, or nil
	// Refresh has the copy of a key compared with its origin at once, and says in a word what came of it.
	Refresh func(ctx context.Context, site, key string) (outcome string, err error)
	Log     *slog.Logger
}

// Server is the admin listener's handler.
type Server struct {
	o    Options
	http *http.Server
}

// New returns a Server; it listens when Serve is called.
func New(o Options) *Server {
	s := &Server{o: o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("POST /api/v1/refresh", s.refresh)
	s.http = &http.Server{Handler: s.guarded(mux), ReadTimeout: time.Minute, ReadHeaderTimeout: 10 * time.Second}
	return s
}

// Serve answers on ln until ctx ends, and closes it.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = s.http.Close() })
	defer stop()
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// guarded refuses requests for another host (DNS rebinding), and changes without the token.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case !s.ownHost(r.Host):
			fail(w, http.StatusMisdirectedRequest, "this is not the admin listener of that host")
		case r.Method != http.MethodGet && s.o.Config.Token == "":
			fail(w, http.StatusForbidden, "admin.token is not set: the API is read-only")
		case r.Method != http.MethodGet && !s.authorized(r):
			w.Header().Set("Www-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "the token is missing or wrong")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownHost tells whether host is an address, localhost, or the name that is listened on. Only another name can be
// somebody else's.
func (s *Server) ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	listen, _, _ := net.SplitHostPort(s.o.Config.Listen)
	return net.ParseIP(strings.Trim(host, "[]")) != nil || strings.EqualFold(host, "localhost") ||
		listen != "" && strings.EqualFold(host, listen)
}

// authorized compares in constant time, whatever the lengths are.
func (s *Server) authorized(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.o.Config.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && ok
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if err := s.o.Ready(); err != nil {
		fail(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ready"})
}

// RefreshRequest names the copies that are compared with their origins.
type RefreshRequest struct {
	Site string   `json:"site"`
	Keys []string `json:"keys"`
}

// RefreshResult is what came of one key: Outcome, or Error.
type RefreshResult struct {
	Key     string `json:"key"`
	Outcome string `json:"outcome,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) {
	var req RefreshRequest
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		fail(w, http.StatusBadRequest, "the body is not a refresh request: "+err.Error())
		return
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		fail(w, http.StatusBadRequest, "the body has more than one refresh request")
		return
	}
	if len(req.Keys) == 0 || len(req.Keys) > maxKeys {
		fail(w, http.StatusUnprocessableEntity, "keys must name 1 to 1000 objects")
		return
	}
	results := make([]RefreshResult, len(req.Keys))
	for i, key := range req.Keys {
		outcome, err := s.o.Refresh(r.Context(), req.Site, key)
		results[i] = RefreshResult{Key: key, Outcome: outcome}
		if err != nil {
			results[i].Error = err.Error()
			s.o.Log.Warn("a refresh failed", "site", req.Site, "key", key, "err", err)
		}
	}
	reply(w, http.StatusOK, map[string][]RefreshResult{"results": results})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left needs no answer
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"error": message})
}
