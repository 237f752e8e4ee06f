package admin

import (
	"net/http"
)

// maxKeys bounds one refresh.
const maxKeys = 1000

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
	if !decode(w, r, "refresh request", &req) {
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
