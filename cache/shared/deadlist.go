package shared

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrorgate/cache"
)

// The dead list has one hash tag.
func (n names) deadWhen() string { return n.prefix + "{dead}:when" }  // object's hash -> when, in ms of Redis' clock
func (n names) dead() string     { return n.prefix + "{dead}:notes" } // object's hash -> note

// maxDead is how many objects are on the dead list; of more the oldest are forgotten.
const maxDead = 1000

// DeadPrefix begins the IDs on the dead list, which so are not those of a spool's entries.
const DeadPrefix = "fleet-"

// ErrNotDead means that the dead list has no such ID.
var ErrNotDead = errors.New("not on the fleet's dead list")

// errFull means that an intent cannot be noted.
var errFull = errors.New("redis holds as many intents as it may")

// Dead is an object that a gateway had pulled and not saved when it was lost, and that others could not pull again. It
// is pulled when somebody asks for it, as any other.
type Dead struct {
	ID   string
	Site string
	Key  string
	Why  string
	When time.Time
}

// deadNote is what is kept of it. The key may be any bytes.
type deadNote struct {
	Site string `json:"site"`
	Key  []byte `json:"key"`
	Why  string `json:"why"`
}

const addDeadScript = clock + `redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local over = redis.call('ZCARD', KEYS[1]) - ARGV[3]
if over > 0 then
	for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, over - 1)) do
		redis.call('ZREM', KEYS[1], id)
		redis.call('HDEL', KEYS[2], id)
	end
end
return {}`

const listDeadScript = `local out = {}
local ids = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
for i = 1, #ids, 2 do
	out[#out + 1] = ids[i]
	out[#out + 1] = ids[i + 1]
	out[#out + 1] = redis.call('HGET', KEYS[2], ids[i]) or ''
end
return out`

const dropDeadScript = `redis.call('HDEL', KEYS[2], ARGV[1])
return {tostring(redis.call('ZREM', KEYS[1], ARGV[1]))}`

// nobody is the consumer to whom an intent is pending that is to be taken up by anybody. No member has this id.
const nobody = ".nobody"

func (f *Fleet) deadKeys() []string { return []string{f.names.deadWhen(), f.names.dead()} }

// maxWhy bounds the reason that is kept, in bytes.
const maxWhy = 500

// GiveUp puts an object on the dead list.
func (f *Fleet) GiveUp(ctx context.Context, id cache.ID, why error) error {
	text := strings.ToValidUTF8(why.Error(), "?")
	note := writeNote(deadNote{id.Site, []byte(id.Key), strings.ToValidUTF8(text[:min(len(text), maxWhy)], "")})
	_, err := f.ask(ctx, addDeadScript, f.deadKeys(), hash(id), note, maxDead)
	return err
}

// Dead returns the dead list, the newest first. An error: Redis is away.
func (f *Fleet) Dead(ctx context.Context) ([]Dead, error) {
	got, err := f.ask(ctx, listDeadScript, f.deadKeys(), maxDead)
	if err != nil {
		return nil, err
	}
	var list []Dead
	for row := range slices.Chunk(got, 3) {
		if d, ok := parseDead(row); ok {
			list = append(list, d)
		} else {
			f.link.foreign.Add(1)
		}
	}
	return list, nil
}

// parseDead reads a row: hash, when, note.
func parseDead(row []string) (d Dead, ok bool) {
	if len(row) != 3 {
		return d, false
	}
	when, err := strconv.ParseFloat(row[1], 64)
	var n deadNote
	if err != nil || !(when >= 0 && when < 1<<53) || !readNote(row[2], &n) {
		return d, false
	}
	id := cache.ID{Site: n.Site, Key: string(n.Key)}
	if !isObject(id) || hash(id) != row[0] {
		return d, false
	}
	d = Dead{ID: DeadPrefix + row[0], Site: id.Site, Key: id.Key, Why: n.Why, When: time.UnixMilli(int64(when)).UTC()}
	return d, true
}

// RetryDead has an object on the dead list pulled again, by any gateway, within seconds. ErrNotDead: there is none.
func (f *Fleet) RetryDead(ctx context.Context, id string) error {
	list, err := f.Dead(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(d Dead) bool { return d.ID == id })
	if at < 0 {
		return fmt.Errorf("%w: %q", ErrNotDead, id)
	}
	object := cache.ID{Site: list[at].Site, Key: list[at].Key}
	added, err := f.ask(ctx, announceScript, f.shardKeys(shardOf(object)), random(), nobody, format,
		object.Site, object.Key, maxStream)
	if err != nil {
		return err
	}
	if len(added) != 2 || added[1] == "" {
		return errFull
	}
	return f.DropDead(ctx, id) // if this fails it is on the list as well, which does no harm
}

// DropDead takes an object off the dead list. ErrNotDead: it is not on it.
func (f *Fleet) DropDead(ctx context.Context, id string) error {
	of, ok := strings.CutPrefix(id, DeadPrefix)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNotDead, id)
	}
	dropped, err := f.ask(ctx, dropDeadScript, f.deadKeys(), of)
	if err == nil && !slices.Equal(dropped, []string{"1"}) {
		err = fmt.Errorf("%w: %q", ErrNotDead, id)
	}
	return err
}
