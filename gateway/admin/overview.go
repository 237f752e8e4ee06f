package admin

import (
	"net/http"
	"time"
)

// Overview is the gateway at a glance. Its counts run from the start on: who asks twice has what came between.
type Overview struct {
	Version string    `json:"version"`
	Setup   string    `json:"setup"` // a hash of the configuration in force
	Started time.Time `json:"started"`
	Now     time.Time `json:"now"`
	Ready   string    `json:"ready"` // "": it is; else why it should get no traffic
	// ReadOnly: nothing can be changed over this listener, for want of a token.
	ReadOnly bool `json:"read_only"`

	Requests []OutcomeCount `json:"requests"`
	Inflight int64          `json:"inflight"` // requests being answered
	// FirstByte and Total are how long answers took, by where they came from.
	FirstByte []Distribution `json:"first_byte"`
	Total     []Distribution `json:"total"`

	Queue   QueueSummary `json:"queue"`
	Saves   []SaveCount  `json:"saves"`
	Memory  MemoryState  `json:"memory"`
	Flights int          `json:"flights"` // pulls under way
	Readers int          `json:"readers"` // clients that read from them
	Redis   string       `json:"redis"`   // "": not used; up or down
	Reload  ReloadState  `json:"reload"`
}

// OutcomeCount is how many requests were answered so.
type OutcomeCount struct {
	Site     string `json:"site"`
	Rule     string `json:"rule"` // "": none
	Outcome  string `json:"outcome"`
	Class    string `json:"class"` // of the status: 2xx
	Requests int64  `json:"requests"`
	Bytes    int64  `json:"bytes"` // of bodies
}

// Distribution is a histogram. Counts[i] is of values up to Bounds[i], and above the bound before it; the last is of
// those above all bounds.
type Distribution struct {
	Outcome string    `json:"outcome"`
	Bounds  []float64 `json:"bounds"` // seconds
	Counts  []int64   `json:"counts"`
}

// SaveCount is how often saving an object ended so.
type SaveCount struct {
	Site   string `json:"site"`
	Result string `json:"result"`
	Count  int64  `json:"count"`
	Bytes  int64  `json:"bytes"`
}

// MemoryState is the memory tier.
type MemoryState struct {
	Bytes   int64 `json:"bytes"`
	Max     int64 `json:"max"` // memory.max_bytes; 0: it is off
	Entries int   `json:"entries"`
}

// ReloadState is what came of the last reload.
type ReloadState struct {
	At     time.Time `json:"at,omitzero"`     // of the last try; zero: there was none
	Loaded time.Time `json:"loaded"`          // when the configuration in force was read
	Error  string    `json:"error,omitempty"` // why the last try changed nothing
	// Restart lists what was changed in the file and holds only after a restart, as paths.
	Restart []string `json:"restart,omitempty"`
}

// overview shows it.
func (s *Server) overview(w http.ResponseWriter, _ *http.Request) {
	o := s.o.Overview()
	o.ReadOnly = s.o.Config.Token == ""
	reply(w, http.StatusOK, o)
}
