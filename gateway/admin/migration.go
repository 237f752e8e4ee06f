package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Migration says how far the move away from the origins is, as one gateway knows it: each of a fleet counts what it has
// answered and saved itself.
type Migration struct {
	Gateway string    `json:"gateway"` // its id
	Now     time.Time `json:"now"`
	Since   time.Time `json:"since"` // when counting began; it goes on over restarts
	// Sentence is the state in one sentence for people.
	Sentence string          `json:"sentence"`
	Sites    []MigrationSite `json:"sites"`
	Queue    QueueSummary    `json:"queue"`
}

// MigrationSite is a site's part.
type MigrationSite struct {
	Site     string          `json:"site"`
	Sentence string          `json:"sentence"`
	Rules    []MigrationRule `json:"rules"` // in the order of the configuration; "" last: keys that no rule matches
	// Inventory is what the origin holds altogether, as somebody told; nil: not known.
	Inventory *Inventory `json:"inventory,omitempty"`
	Left      *Left      `json:"left,omitempty"` // nil: no inventory
}

// MigrationRule is a rule's part.
type MigrationRule struct {
	Rule  string          `json:"rule"`
	State string          `json:"state"` // active, paused, retired, disabled, or removed
	Spans []MigrationSpan `json:"spans"` // hour, day, week, all

	LastNeeded    time.Time `json:"last_needed,omitzero"` // when an answer last came from its origin
	LastNeededKey string    `json:"last_needed_key,omitempty"`
	// LastRetired is when a request was last refused that would have needed the origin.
	LastRetired    time.Time `json:"last_retired,omitzero"`
	LastRetiredKey string    `json:"last_retired_key,omitempty"`

	TopKeys     []HeavyHitter    `json:"top_keys"`     // that needed the origin, or would have
	TopPrefixes []HeavyHitter    `json:"top_prefixes"` // folders
	NotKept     map[string]int64 `json:"not_kept"`     // answers of origins that were not saved, by reason
}

// MigrationSpan is what was counted in a span of time that ends now.
type MigrationSpan struct {
	Span string `json:"span"` // hour, day, week or all
	// From is when it begins: later than the name says where counting began later, or where there are so many rules that
	// histories are kept for less.
	From     time.Time `json:"from"`
	Requests int64     `json:"requests"`
	Bytes    int64     `json:"bytes"`
	Needed   int64     `json:"needed"` // of the requests: those that an origin's object answered
	NeededB  int64     `json:"needed_bytes"`
	Vain     int64     `json:"vain"`    // an origin was asked for what it does not have
	Failed   int64     `json:"failed"`  // no answer could be got
	Retired  int64     `json:"retired"` // refused by a retired rule: would have needed the origin
	Paused   int64     `json:"paused"`  // refused by a paused rule
	Saved    int64     `json:"saved"`   // objects
	SavedB   int64     `json:"saved_bytes"`
}

// HeavyHitter is a key or folder that is among the most frequent. Count is at most Error too high. Both halve within a
// day. A key that is no text has escapes, and a long one ends in "…".
type HeavyHitter struct {
	Key   string    `json:"key"`
	Count int64     `json:"count"`
	Error int64     `json:"error"`
	Last  time.Time `json:"last"`
}

// Inventory is what the origin holds: counted by whoever runs it. Told is set by the gateway.
type Inventory struct {
	Objects int64     `json:"objects"`
	Bytes   int64     `json:"bytes"`
	Copied  int64     `json:"copied"` // of the objects: those that were in the bucket when it was told
	CopiedB int64     `json:"copied_bytes"`
	Told    time.Time `json:"told,omitzero"`
}

// Left estimates what is still only at the origin: of the inventory what was neither copied then nor saved since by
// this gateway. Of what others have saved it knows nothing.
type Left struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Done is when nothing would be left at the pace of the last day; zero: it cannot be told.
	Done time.Time `json:"done,omitzero"`
}

// History is how a site or rule did over time, for charts: the newest point last.
type History struct {
	Step   string         `json:"step"` // minute, hour or day
	Points []HistoryPoint `json:"points"`
}

// HistoryPoint is one step of time. Its From is its beginning.
type HistoryPoint struct {
	At time.Time `json:"at"` // its beginning
	MigrationSpan
}

// The steps of a History.
const (
	StepMinute = "minute" // two hours of them
	StepHour   = "hour"   // two weeks
	StepDay    = "day"    // a year
)

// MigrationView is what counts. Error: ErrNoSuch.
type MigrationView interface {
	Show() Migration
	// History is of all sites (""), of a site, or with a rule of that alone. With very many rules it is shorter.
	History(site, rule, step string) (History, error)
	// Tell sets a site's inventory, as it is now; nil forgets it.
	Tell(site string, i *Inventory) error
}

func (s *Server) migrationEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/api/v1/migration", toRead, func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, s.o.Migration.Show())
		}},
		{http.MethodGet, "/api/v1/migration/history", toRead, s.history},
		{http.MethodPut, "/api/v1/migration/inventory/{site}", toChange, s.tellInventory},
	}
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	site, rule, step, err := parseHistory(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	history, err := s.o.Migration.History(site, rule, step)
	if err != nil {
		s.failWith(w, err)
		return
	}
	reply(w, http.StatusOK, history)
}

func parseHistory(query string) (site, rule, step string, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", "", "", errors.New("the query cannot be read")
	}
	step = StepHour
	for name, given := range values {
		into := map[string]*string{"site": &site, "rule": &rule, "step": &step}[name]
		switch {
		case into == nil:
			return "", "", "", fmt.Errorf("%q is not a parameter: there are site, rule and step", name)
		case len(given) > 1:
			return "", "", "", fmt.Errorf("%s is given twice", name)
		}
		*into = given[0]
	}
	switch {
	case rule != "" && site == "":
		err = errors.New("rule needs site")
	case !slices.Contains([]string{StepMinute, StepHour, StepDay}, step):
		err = errors.New("step must be minute, hour or day")
	}
	return site, rule, step, err
}

// tellInventory answers with the site's part of the view.
func (s *Server) tellInventory(w http.ResponseWriter, r *http.Request) {
	var told *Inventory
	if !decode(w, r, "inventory", &told) {
		return
	}
	site := r.PathValue("site")
	err := told.validate()
	if err == nil {
		err = s.o.Migration.Tell(site, told)
	}
	if err != nil {
		s.failWith(w, err)
		return
	}
	for _, part := range s.o.Migration.Show().Sites {
		if part.Site == site {
			reply(w, http.StatusOK, part)
			return
		}
	}
	s.failWith(w, ErrNoSuch) // it has gone meanwhile
}

func (i *Inventory) validate() error {
	if i == nil {
		return nil
	}
	var mistakes []Mistake
	f := func(path string, part, all int64, whole string) {
		switch {
		case part < 0:
			mistakes = append(mistakes, Mistake{Path: path, Problem: "must not be negative"})
		case part > all:
			mistakes = append(mistakes, Mistake{Path: path, Problem: "must not be more than " + whole})
		}
	}
	f("objects", i.Objects, i.Objects, "")
	f("bytes", i.Bytes, i.Bytes, "")
	f("copied", i.Copied, i.Objects, "objects")
	f("copied_bytes", i.CopiedB, i.Bytes, "bytes")
	if mistakes != nil {
		return &InvalidError{mistakes}
	}
	return nil
}
