package shared

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

const (
	waiting = 2 * time.Second        // for an object that is pulled where this gateway cannot follow it
	polling = 100 * time.Millisecond // how often it is looked after meanwhile
)

// claimScript takes the lease unless the notes say something else that counts. A lease of the claimer's own member is
// of no use any more, as no member claims what it holds; unless it says that the object is saved.
const claimScript = `
local lease, negative = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
local note, ttl, past, own, saved, scope = unpack(ARGV)
local function begins(text, with) return string.sub(text, 1, #with) == with end
if negative and negative ~= past and begins(negative, scope) then
	return {0, lease or '', negative, redis.call('PTTL', KEYS[2])}
end
if lease and lease ~= past and (begins(lease, saved) or not begins(lease, own)) then
	return {0, lease, negative or '', 0}
end
redis.call('SET', KEYS[1], note, 'PX', ttl)
return {1, '', negative or '', 0}`

// holder is the member that has the lease of a key.
type holder struct {
	member    string
	advertise string // never ""
	note      string // the lease's, as it was found
}

// Claim implements cache.Fleet.
func (f *Fleet) Claim(ctx context.Context, id cache.ID, scope string, past *cache.Standing) cache.Standing {
	limited, cancel := context.WithTimeout(ctx, waiting)
	defer cancel()
	for f.held.begin(id) { // else another pull of this gateway has the lease, or is about to
		standing, unknown := f.claim(ctx, id, f.scope(scope), past)
		f.held.begun(id)
		if !unknown || !pause(limited, polling) {
			return standing
		}
	}
	return cache.Standing{}
}

// claim asks once. unknown: another gateway that cannot be followed pulls the object, or has it.
func (f *Fleet) claim(
	ctx context.Context, id cache.ID, scope string, past *cache.Standing,
) (_ cache.Standing, unknown bool) {
	note := leaseNote{member: f.o.Member, state: pulling, token: rand.Text(), advertise: f.o.Config.Advertise}
	asked, err := f.askNotes(ctx, id, scope, note, past)
	switch {
	case err != nil:
		return cache.Standing{}, false
	case asked.won:
		return cache.Standing{Lease: f.held.add(f, id, note), Note: note.encode()}, false
	case asked.negative != nil && asked.negative.scope == scope:
		return cache.Standing{Negative: asked.negative.answer(), Left: asked.left, Note: asked.negative.encode()}, false
	case asked.lease == nil: // not ours to read
		return cache.Standing{}, false
	}
	return f.follow(id, *asked.lease)
}

// follow makes a standing of another's lease.
func (f *Fleet) follow(id cache.ID, note leaseNote) (_ cache.Standing, unknown bool) {
	text := note.encode()
	switch {
	case note.state == saved:
		return cache.Standing{Saved: true, Note: text}, false
	case f.peer == nil || note.advertise == "":
		return cache.Standing{}, true
	}
	peer := f.peer(id, holder{member: note.member, advertise: note.advertise, note: text})
	return cache.Standing{Peer: peer, Note: text}, false
}

// notes is what the claim's script found.
type notes struct {
	won      bool
	lease    *leaseNote    // nil: none, or not ours to read
	negative *negativeNote // nil: likewise
	left     time.Duration // how long negative holds
}

func (f *Fleet) askNotes(
	ctx context.Context, id cache.ID, scope string, note leaseNote, past *cache.Standing,
) (found notes, err error) {
	passed := ""
	if past != nil {
		passed = past.Note
	}
	keys := []string{f.names.lease(id), f.names.negative(id)}
	args := []any{note.encode(), leaseTTL.Milliseconds(), passed,
		own(f.o.Member), own(f.o.Member) + string(saved), ofScope(scope)}
	err = f.link.do(ctx, func(ctx context.Context) (err error) {
		found, err = f.readNotes(f.claims.Run(ctx, f.link.rdb, keys, args...))
		return err
	})
	return found, err
}

// readNotes reads the script's answer.
func (f *Fleet) readNotes(answer *redis.Cmd) (found notes, err error) {
	values, err := answer.Slice()
	if err != nil {
		return found, err
	}
	if len(values) != 4 {
		return found, errForeign
	}
	won, _ := values[0].(int64)
	found.won = won == 1
	if text, _ := values[1].(string); text != "" {
		found.lease = known(f.link, text, decodeLease)
	}
	if text, _ := values[2].(string); text != "" {
		found.negative = known(f.link, text, decodeNegative)
	}
	left, _ := values[3].(int64)
	found.left = time.Duration(left) * time.Millisecond
	return found, nil
}

// known reads a note. One that is not ours is counted, and passed over.
func known[N any](l *link, text string, decode func(string) (N, bool)) *N {
	note, ok := decode(text)
	if !ok {
		l.foreign.Add(1)
		return nil
	}
	return &note
}

// stands tells whether the holder of a lease that was found as note still has it, and lives. An answer that fails to
// come leaves that open; while Redis is away nobody knows whether the holder lives, which is no reason to wait for it.
func (f *Fleet) stands(ctx context.Context, id cache.ID, note string) bool {
	followed, ok := decodeLease(note)
	if !ok {
		return false
	}
	var text string
	var lives int64
	err := f.link.do(ctx, func(ctx context.Context) (err error) {
		if text, err = f.link.rdb.Get(ctx, f.names.lease(id)).Result(); err != nil {
			return err
		}
		lives, err = f.link.rdb.Exists(ctx, f.names.lives(followed.member)).Result()
		return err
	})
	switch now, _ := decodeLease(text); {
	case err != nil:
		return isUnknown(err) && !f.link.isAway()
	case now.token != followed.token:
		return false
	default: // a lease of what is being pulled ends with its holder
		return now.state == pulling || now.state == committed && lives == 1
	}
}
