package shared

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crew is what this gateway knows of the members, and has said of them.
type crew struct {
	run  string // of this process
	size atomic.Int64

	mu     sync.Mutex
	me     memberNote           // what it says of itself
	beaten bool                 // this process has given a sign of life
	since  string               // as Redis said last
	twin   time.Time            // when another process with this id was seen last
	began  map[string]time.Time // since when members do not fit together, by what is wrong
	said   map[string]string
}

func newCrew(o Options) *crew {
	c := &crew{run: random(), began: make(map[string]time.Time), said: make(map[string]string)}
	c.me = memberNote{
		Run: c.run, Started: time.Now().UTC().Truncate(time.Millisecond), Version: o.Version, Setup: o.Setup,
		Advertise: o.Config.Advertise,
	}
	return c
}

// Reconfigured says that this gateway has another configuration from now on, with this hash. It does not block: the
// others hear of it with the next sign of life.
func (f *Fleet) Reconfigured(setup string) {
	f.crew.mu.Lock()
	defer f.crew.mu.Unlock()
	f.crew.me.Setup = setup
}

// note is what this gateway says of itself.
func (c *crew) note() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return writeNote(c.me)
}

func (c *crew) setup() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me.Setup
}

// random is a text that nobody else has.
func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// turned takes in since when somebody is there, and tells whether that has begun anew.
func (c *crew) turned(since string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.since
	c.since = since
	return was != "" && was != since
}

// news tells whether what is to be said of something is not what was said last. "" says that all is well.
func (c *crew) news(of, state string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.said[of]
	c.said[of] = state
	return was != state
}

// replaced takes in the note that this gateway's last sign of life took the place of. Another process wrote it if it is
// not this one's, except the first time: then it is from before a restart.
func (c *crew) replaced(f *Fleet, before string) {
	c.mu.Lock()
	first, state := !c.beaten, ""
	c.beaten = true
	var n memberNote
	if !first && readNote(before, &n) && n.Run != c.run {
		c.twin = time.Now()
	}
	if !c.twin.IsZero() && time.Since(c.twin) < 2*f.tempo.gone {
		state = "two"
	}
	c.mu.Unlock()
	if c.news("id", state) {
		f.warnOr(state != "", "another process has this gateway's id: each needs a data_dir of its own",
			"no other process has this gateway's id any more", "member", f.o.Member)
	}
}

// warnOr logs the one or the other end of a state.
func (f *Fleet) warnOr(bad bool, warning, relief string, args ...any) {
	if bad {
		f.log.Warn(warning, args...)
		return
	}
	f.log.Info(relief, args...)
}

// compare warns when members do not fit together, once for each state.
func (f *Fleet) compare(list []Member) {
	setups := group(list, func(m Member) string { return m.Setup })
	differ := strings.Join(slices.Sorted(maps.Keys(setups)), " ")
	state := f.crew.lasting("setup", len(setups) > 1, differ, f.tempo.gone)
	if f.crew.news("setup", state) {
		f.warnOr(state != "", "gateways of the fleet have different configurations",
			"all gateways of the fleet have one configuration", "mine", f.crew.setup(), "members", listed(setups))
	}
	clashes := group(list, func(m Member) string { return m.Advertise })
	maps.DeleteFunc(clashes, func(_ string, ids []string) bool { return len(ids) < 2 })
	state = f.crew.lasting("advertise", len(clashes) > 0, listed(clashes), f.tempo.gone)
	if f.crew.news("advertise", state) {
		f.warnOr(state != "", "gateways have one shared.advertise: the others reach only one of them",
			"each gateway has a shared.advertise of its own", "members", listed(clashes))
	}
}

// lasting is the state of something that is wrong, once it has been for so long: until then one of the members may be
// from before a restart, and others may be about to come.
func (c *crew) lasting(of string, is bool, state string, d time.Duration) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !is {
		delete(c.began, of)
		return ""
	}
	if c.began[of].IsZero() {
		c.began[of] = time.Now()
	}
	if time.Since(c.began[of]) <= d {
		return c.said[of]
	}
	return state
}

// group sorts the members' ids by what they have; who has nothing is left out.
func group(list []Member, by func(Member) string) map[string][]string {
	groups := make(map[string][]string)
	for _, m := range list {
		if what := by(m); what != "" {
			groups[what] = append(groups[what], m.ID)
		}
	}
	return groups
}

// maxListed is how many members of one kind a line of the log names.
const maxListed = 5

// listed names groups and their members.
func listed(groups map[string][]string) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(groups)) {
		ids := groups[what]
		text := what + ": " + strings.Join(ids[:min(len(ids), maxListed)], ", ")
		if len(ids) > maxListed {
			text += fmt.Sprintf(" and %d more", len(ids)-maxListed)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
