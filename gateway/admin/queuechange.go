package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// QueueRequest names the entries that a change is for.
type QueueRequest struct {
	IDs []string `json:"ids,omitempty"`
	All bool     `json:"all,omitempty"` // all dead ones; for a retry only
}

// QueueResult is what came of one entry.
type QueueResult struct {
	ID    string `json:"id"`
	Error string `json:"error,omitempty"` // "": it is done
}

// QueueRetried is the answer to a retry of all dead entries.
type QueueRetried struct {
	Retried int    `json:"retried"`
	Error   string `json:"error,omitempty"` // why some of them stay dead
}

// maxError bounds an error that is made of many, in bytes.
const maxError = 1000

func (s *Server) retryQueue(w http.ResponseWriter, r *http.Request) {
	var req QueueRequest
	if !decode(w, r, "retry request", &req) {
		return
	}
	if !req.All {
		s.changeEach(w, r, req.IDs, s.o.Queue.Retry)
		return
	}
	if len(req.IDs) > 0 {
		fail(w, http.StatusUnprocessableEntity, "ids and all exclude each other")
		return
	}
	retried, err := s.o.Queue.RetryAll(r.Context())
	if err != nil {
		s.o.Log.Error("some dead entries could not be retried", "err", err)
		text := err.Error()
		reply(w, http.StatusInternalServerError, QueueRetried{retried, text[:min(len(text), maxError)]})
		return
	}
	s.o.Log.Info("all dead entries are retried", "entries", retried)
	reply(w, http.StatusOK, QueueRetried{Retried: retried})
}

func (s *Server) dropQueue(w http.ResponseWriter, r *http.Request) {
	var req struct {
		IDs []string `json:"ids"`
	}
	if decode(w, r, "drop request", &req) {
		s.changeEach(w, r, req.IDs, s.o.Queue.Drop)
	}
}

// changeEach changes entries one by one: what cannot be done with one of them does not hold up the others.
func (s *Server) changeEach(
	w http.ResponseWriter, r *http.Request, ids []string, change func(context.Context, []string) ([]QueueResult, error),
) {
	if len(ids) == 0 || len(ids) > MaxIDs {
		fail(w, http.StatusUnprocessableEntity, fmt.Sprintf("ids must name 1 to %d entries", MaxIDs))
		return
	}
	results, err := change(r.Context(), ids)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string][]QueueResult{"results": results})
}

func (s *Server) pauseQueue(paused bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !nothing(w, r) {
			return
		}
		err := s.o.Queue.Pause(r.Context(), paused)
		if errors.Is(err, ErrPausedByFile) {
			fail(w, http.StatusConflict, err.Error())
			return
		}
		if err != nil {
			s.o.Log.Error("saving could not be paused or resumed", "paused", paused, "err", err)
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		reply(w, http.StatusOK, map[string]bool{"paused": paused})
	}
}
