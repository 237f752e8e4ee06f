package admin

import (
	"context"
	"net/http"
	"time"
)

// Member is a gateway of the fleet.
type Member struct {
	ID        string    `json:"id"`
	Started   time.Time `json:"started"`             // by its own clock
	Seen      time.Time `json:"seen"`                // its last sign of life, by the clock of Redis
	Version   string    `json:"version"`             // of its program
	Setup     string    `json:"setup,omitempty"`     // a hash of its configuration; "": it has no secret to make one with
	Advertise string    `json:"advertise,omitempty"` // how the others reach it
	Me        bool      `json:"me,omitempty"`        // the one that answers
}

// FleetState is the fleet as one of its gateways sees it.
type FleetState struct {
	Members []Member `json:"members"`
	Unknown string   `json:"unknown,omitempty"` // why Members are not known

	// Since the start of the gateway that answers:
	Foreign int64 `json:"foreign"` // notes in Redis that were not a gateway's of this version, and ignored
	Untold  int64 `json:"untold"`  // notes that could not be written: others find out by themselves, later
	Refused int64 `json:"refused"` // requests of other gateways that were not proven to be that
}

// members shows who is there.
func (s *Server) members(w http.ResponseWriter, r *http.Request) {
	if s.o.Fleet == nil {
		fail(w, http.StatusNotFound, "this gateway is on its own: shared.redis is empty")
		return
	}
	reply(w, http.StatusOK, s.o.Fleet(r.Context()))
}

// FleetFunc tells the state of the fleet. It waits for Redis no longer than a fraction of a second.
type FleetFunc func(context.Context) FleetState
