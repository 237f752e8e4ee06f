package admin

import (
	"fmt"
	"net/http"
)

// maxKeys bounds one request.
const maxKeys = 1000

// KeysRequest names the copies that are compared with their origins, or the objects that are pulled.
type KeysRequest struct {
	Site string   `json:"site"`
	Keys []string `json:"keys"`
}

// KeyResult is what came of one key: Outcome, or Error.
type KeyResult struct {
	Key     string `json:"key"`
	Outcome string `json:"outcome,omitempty"`
	Error   string `json:"error,omitempty"`
}

// keysRequest reads a request about keys of a site that there is, or refuses it. what names it.
func (s *Server) keysRequest(w http.ResponseWriter, r *http.Request, what string) (req KeysRequest, ok bool) {
	if !decode(w, r, what, &req) || !keysFit(w, req.Keys) {
		return req, false
	}
	if _, err := s.o.Sites.Site(r.Context(), req.Site); err != nil {
		s.failWith(w, fmt.Errorf("site %q: %w", req.Site, err))
		return req, false
	}
	return req, true
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) {
	req, ok := s.keysRequest(w, r, "refresh request")
	if !ok {
		return
	}
	results := make([]KeyResult, len(req.Keys))
	for i, key := range req.Keys {
		outcome, err := s.o.Refresh(r.Context(), req.Site, key)
		results[i] = KeyResult{Key: key, Outcome: outcome}
		if err != nil {
			results[i].Error = err.Error()
			s.o.Log.Warn("a refresh failed", "site", req.Site, "key", key, "err", err)
		}
	}
	reply(w, http.StatusOK, map[string][]KeyResult{"results": results})
}
