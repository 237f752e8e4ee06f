package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// Queue is what waits to be saved, as those who run the gateway see and steer it.
type Queue interface {
	// List returns items from the oldest on. ErrNoEntry: f.After names nothing that is there.
	List(ctx context.Context, f QueueFilter) (QueuePage, error)
	// Retry makes entries due at once, dead ones too. It says what came of each.
	Retry(ctx context.Context, ids []string) ([]QueueResult, error)
	// RetryAll does so for all dead ones and all lost ones, and says how many they were.
	RetryAll(ctx context.Context) (retried int, err error)
	// Drop removes entries: their objects are not saved. It says what came of each.
	Drop(ctx context.Context, ids []string) ([]QueueResult, error)
	// Pause stops saving for the time being, or ends that. ErrPausedByFile: it is ended, but the configuration has stopped
	// saving, too.
	Pause(ctx context.Context, paused bool) error
}

// ErrNoEntry means that no entry has the ID given.
var ErrNoEntry = errors.New("no such entry in the queue")

// ErrPausedByFile means that a resume does not go on with saving.
var ErrPausedByFile = errors.New("saving stays paused: the configuration says so (writeback.paused)")

// QueueItem is an entry: an object that waits to be saved.
type QueueItem struct {
	ID       string    `json:"id"`
	Site     string    `json:"site"`
	Key      string    `json:"key"`
	Bytes    int64     `json:"bytes"`
	State    string    `json:"state"`              // waiting, uploading, retrying or dead
	Replaces bool      `json:"replaces,omitempty"` // a copy that is in the bucket
	Rule     string    `json:"rule,omitempty"`     // by which it was pulled
	Pulled   time.Time `json:"pulled"`
	Attempts int       `json:"attempts"`          // that failed, since the start or the last retry
	Error    string    `json:"error,omitempty"`   // of the last one
	Next     time.Time `json:"next,omitzero"`     // when it is tried again
	Died     time.Time `json:"died,omitzero"`     // when it was given up
	Damaged  string    `json:"damaged,omitempty"` // why its record cannot be read; nothing else is known then
}

// LostItem is an object that a gateway of the fleet had pulled and not saved when it was lost, and that no other could
// pull again: somebody has to see why. Its ID is taken by Retry and Drop as those of entries are.
type LostItem struct {
	ID    string    `json:"id"`
	Site  string    `json:"site"`
	Key   string    `json:"key"`
	Error string    `json:"error"` // of the last try
	Died  time.Time `json:"died"`  // when it was given up
}

// QueueSummary is what there is altogether.
type QueueSummary struct {
	Waiting int       `json:"waiting"` // objects to be saved, those being uploaded too
	Dead    int       `json:"dead"`    // objects that were given up until somebody retries them
	Bytes   int64     `json:"bytes"`   // of all of them, and of pulls under way
	Oldest  time.Time `json:"oldest,omitzero"`
	Aside   int       `json:"set_aside"` // damaged files
	Evicted int       `json:"evicted"`   // dead objects that were dropped for want of room, since the start
	Paused  bool      `json:"paused"`
	// PausedBy says who has stopped saving: file (writeback.paused), api (the API, or mirrorgate queue pause), or both.
	PausedBy []string `json:"paused_by,omitempty"`
}

// QueueFilter narrows a list.
type QueueFilter struct {
	Site  string // "": all sites
	Dead  bool   // only the dead
	After string // the ID of an item, or the Next of the page before; "": from the oldest on
	Limit int    // items at most
}

// The bounds of one page and one change.
const (
	pageItems    = 100 // when the request does not say
	MaxPageItems = 1000
	MaxIDs       = 1000
)

// QueuePage is a part of a list.
type QueuePage struct {
	Summary QueueSummary `json:"summary"`
	Items   []QueueItem  `json:"items"`
	More    bool         `json:"more"`           // there are more behind these
	Next    string       `json:"next,omitempty"` // asks for them; it holds also when the last of these items has left
	// Lost is what the gateways of the fleet have given up together, the newest first; on the first page only, and
	// whole. LostUnknown: why it is not known.
	Lost        []LostItem `json:"lost,omitempty"`
	LostUnknown string     `json:"lost_unknown,omitempty"`
	// Process is the id of the gateway's process, as its data_dir's lock names it: who asks can tell whether it is the
	// one that was meant.
	Process int `json:"process,omitempty"`
}

func (s *Server) queueEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/api/v1/queue", toRead, s.listQueue},
		{http.MethodPost, "/api/v1/queue/retry", toChange, s.retryQueue},
		{http.MethodPost, "/api/v1/queue/drop", toChange, s.dropQueue},
		{http.MethodPost, "/api/v1/queue/pause", toChange, s.pauseQueue(true)},
		{http.MethodPost, "/api/v1/queue/resume", toChange, s.pauseQueue(false)},
	}
}

func (s *Server) listQueue(w http.ResponseWriter, r *http.Request) {
	filter, err := parseFilter(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	page, err := s.o.Queue.List(r.Context(), filter)
	switch {
	case errors.Is(err, ErrNoEntry):
		fail(w, http.StatusNotFound, err.Error())
	case err != nil:
		s.o.Log.Error("the queue could not be listed", "err", err)
		fail(w, http.StatusInternalServerError, err.Error())
	default:
		page.Process = os.Getpid()
		reply(w, http.StatusOK, page)
	}
}

// parseFilter reads a query. It is strict: a parameter that is misspelt would list what was not asked for.
func parseFilter(query string) (QueueFilter, error) {
	f := QueueFilter{Limit: pageItems}
	values, err := url.ParseQuery(query)
	if err != nil {
		return f, errors.New("the query cannot be read")
	}
	for name, given := range values {
		if len(given) > 1 {
			return f, fmt.Errorf("%s is given twice", name)
		}
		if err := f.set(name, given[0]); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *QueueFilter) set(name, value string) (err error) {
	switch name {
	case "site":
		f.Site = value
	case "after":
		f.After = value
	case "state":
		if f.Dead = value == "dead"; !f.Dead {
			err = errors.New("state can only be dead; without it all states are listed")
		}
	case "limit":
		f.Limit, err = strconv.Atoi(value)
		if err != nil || f.Limit < 1 || f.Limit > MaxPageItems {
			err = fmt.Errorf("limit must be 1 to %d", MaxPageItems)
		}
	default:
		err = fmt.Errorf("%q is not a parameter: there are site, state, after and limit", name)
	}
	return err
}
