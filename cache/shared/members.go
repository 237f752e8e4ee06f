package shared

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Member is a gateway of the fleet.
type Member struct {
	ID        string    `json:"id"`
	Started   time.Time `json:"started"` // by its own clock
	Version   string    `json:"version"` // of its program
	Setup     string    `json:"setup"`   // a hash of its configuration; "": not told
	Advertise string    `json:"advertise,omitempty"`
	Seen      time.Time `json:"seen"`         // its last sign of life, by Redis' clock
	Me        bool      `json:"me,omitempty"` // it is this one
}

// maxMembers bounds a list.
const maxMembers = 2000

// listScript returns the members with when they were seen and their notes, in their order.
const listScript = clock + `local out = {}
local seen = redis.call('ZRANGEBYSCORE', KEYS[1], now - ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #seen, 2 do
	out[#out + 1] = seen[i]
	out[#out + 1] = seen[i + 1]
	out[#out + 1] = redis.call('HGET', KEYS[2], seen[i]) or ''
end
return out`

// Members lists who is there, this gateway included once it runs, the longest first. An error: Redis is away.
func (f *Fleet) Members(ctx context.Context) ([]Member, error) {
	got, err := f.ask(ctx, listScript, []string{f.names.seen(), f.names.members()},
		f.tempo.gone.Milliseconds(), maxMembers)
	if err != nil {
		return nil, err
	}
	var list []Member
	for row := range slices.Chunk(got, 3) {
		m, ok := parseMember(row)
		if !ok {
			f.link.foreign.Add(1)
			continue
		}
		m.Me = m.ID == f.o.Member
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Member) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.ID, b.ID))
	})
	f.crew.size.Store(int64(len(list)))
	f.compare(list)
	return list, nil
}

// Size is how many members there were when they were listed last, at least 1.
func (f *Fleet) Size() int { return max(1, int(f.crew.size.Load())) }

// memberNote is what a member says of itself.
type memberNote struct {
	Run       string    `json:"run"` // of the process: another one for each
	Started   time.Time `json:"started"`
	Version   string    `json:"version"`
	Setup     string    `json:"setup"`
	Advertise string    `json:"advertise"`
}

// maxNote is the longest note that is looked at, in bytes.
const maxNote = 4 << 10

// writeNote is a note with the format's version before it.
func writeNote(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, bytes and times always have a form
	}
	return format + " " + string(raw)
}

// readNote reads what writeNote wrote, and nothing else.
func readNote(note string, into any) bool {
	raw, ok := strings.CutPrefix(note, format+" ")
	if !ok || len(note) > maxNote {
		return false
	}
	d := json.NewDecoder(bytes.NewReader([]byte(raw)))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

// parseMember reads a row of the list: id, when it was seen, note.
func parseMember(row []string) (m Member, ok bool) {
	if len(row) != 3 || !isMember(row[0]) {
		return m, false
	}
	seen, err := strconv.ParseFloat(row[1], 64)
	var n memberNote
	if err != nil || !(seen >= 0 && seen < 1<<53) || !readNote(row[2], &n) || n.Run == "" || n.Started.IsZero() {
		return m, false
	}
	return Member{
		ID: row[0], Started: n.Started, Version: n.Version, Setup: n.Setup, Advertise: n.Advertise,
		Seen: time.UnixMilli(int64(seen)).UTC(),
	}, true
}
