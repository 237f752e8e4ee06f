package admin

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// pullsAtOnce is how many keys of one request are pulled at one time; the limits of pulls hold besides.
const pullsAtOnce = 8

// PurgeRequest names what is dropped: keys, or a prefix ("": all of the site).
type PurgeRequest struct {
	Site   string   `json:"site"`
	Keys   []string `json:"keys,omitempty"`
	Prefix *string  `json:"prefix,omitempty"`
}

// Purged is how many entries the gateway that was asked had.
type Purged struct {
	Dropped int `json:"dropped"`
}

func (s *Server) purge(w http.ResponseWriter, r *http.Request) {
	var req PurgeRequest
	switch {
	case !decode(w, r, "purge request", &req):
	case req.Prefix == nil && !keysFit(w, req.Keys):
	case req.Prefix != nil && len(req.Keys) > 0:
		s.failWith(w, Invalid("prefix", "keys and prefix exclude each other"))
	default:
		dropped, err := s.o.Control.Purge(r.Context(), req.Site, req.Keys, req.Prefix)
		s.answer(w, Purged{dropped}, err)
	}
}

// pull has objects pulled that the bucket lacks. Like a refresh it answers when all that is done, and stops when the
// client leaves.
func (s *Server) pull(w http.ResponseWriter, r *http.Request) {
	if req, ok := s.keysRequest(w, r, "pull request"); ok {
		reply(w, http.StatusOK, map[string][]KeyResult{"results": s.pullAll(r.Context(), req)})
	}
}

// pullAll pulls some keys at a time.
func (s *Server) pullAll(ctx context.Context, req KeysRequest) []KeyResult {
	results := make([]KeyResult, len(req.Keys))
	next := make(chan int)
	var pulling sync.WaitGroup
	for range min(pullsAtOnce, len(req.Keys)) {
		pulling.Go(func() {
			for i := range next {
				results[i] = s.pullOne(ctx, req.Site, req.Keys[i])
			}
		})
	}
	for i := range req.Keys {
		next <- i
	}
	close(next)
	pulling.Wait()
	return results
}

func (s *Server) pullOne(ctx context.Context, site, key string) KeyResult {
	err := ctx.Err() // the client has left: no more pulls begin
	var outcome string
	if err == nil {
		outcome, err = s.o.Control.Pull(ctx, site, key)
	}
	if err != nil {
		return KeyResult{Key: key, Error: err.Error()}
	}
	return KeyResult{Key: key, Outcome: outcome}
}

// keysFit tells whether a request names as many keys as may be, or refuses it.
func keysFit(w http.ResponseWriter, keys []string) bool {
	if len(keys) == 0 || len(keys) > maxKeys {
		fail(w, http.StatusUnprocessableEntity, fmt.Sprintf("keys must name 1 to %d objects", maxKeys))
		return false
	}
	return true
}
