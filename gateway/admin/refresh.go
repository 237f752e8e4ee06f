package admin

import (
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

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) {
	var req KeysRequest
	if !decode(w, r, "refresh request", &req) || !keysFit(w, req.Keys) {
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
