package admin

import "time"

// Migration says how far the move away from the origins is.
type Migration struct {
	Now   time.Time `json:"now"`
	Since time.Time `json:"since"` // when counting began; it goes on over restarts
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
	Span     string `json:"span"` // hour, day, week or all
	Requests int64  `json:"requests"`
	Bytes    int64  `json:"bytes"`
	Needed   int64  `json:"needed"` // of the requests: those that an origin's object answered
	NeededB  int64  `json:"needed_bytes"`
	Vain     int64  `json:"vain"`    // an origin was asked for what it does not have
	Failed   int64  `json:"failed"`  // no answer could be got
	Retired  int64  `json:"retired"` // would have needed the origin
	Saved    int64  `json:"saved"`   // objects
	SavedB   int64  `json:"saved_bytes"`
}

// HeavyHitter is a key or folder that is among the most frequent. Count is at most Error too high.
type HeavyHitter struct {
	Key   string    `json:"key"`
	Count int64     `json:"count"`
	Error int64     `json:"error"`
	Last  time.Time `json:"last"`
}

// Inventory is what the origin holds: counted by whoever runs it.
type Inventory struct {
	Objects int64     `json:"objects"`
	Bytes   int64     `json:"bytes"`
	Copied  int64     `json:"copied"` // of the objects: those that were in the bucket when it was told
	CopiedB int64     `json:"copied_bytes"`
	Told    time.Time `json:"told"`
}

// Left estimates what is still only at the origin.
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

// HistoryPoint is one step of time.
type HistoryPoint struct {
	At time.Time `json:"at"` // its beginning
	MigrationSpan
}

// MigrationView is what counts. Error: ErrNoSuch.
type MigrationView interface {
	Show() Migration
	// History is of a site, or with a rule of that alone. step: minute (two hours), hour (two weeks) or day (a year).
	History(site, rule, step string) (History, error)
	// Tell sets a site's inventory; nil forgets it.
	Tell(site string, i *Inventory) error
}
