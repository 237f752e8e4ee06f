package shared

import (
	"context"
	"time"
)

// The notes about members have one hash tag, so that one script may use them all.
func (n names) seen() string    { return n.prefix + "{members}:seen" }  // id -> when, in ms of Redis' clock
func (n names) members() string { return n.prefix + "{members}:notes" } // id -> note
func (n names) since() string   { return n.prefix + "{members}:since" } // since when somebody is there

// clock gives scripts the time in ms. Only Redis' own clock counts: those of the gateways may differ.
const clock = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// beatScript notes a sign of life, forgets who has given none for long, and returns the member's note of before and
// since when somebody is there. After Redis was away, flushed or set to another time that begins anew: then nobody may
// be called gone yet.
const beatScript = clock + `local gone = tonumber(ARGV[3])
for _, range in ipairs({{'-inf', '(' .. now - gone}, {'(' .. now + gone, '+inf'}}) do
	for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], range[1], range[2], 'LIMIT', 0, 1000)) do
		redis.call('ZREM', KEYS[1], id)
		if id ~= ARGV[1] then redis.call('HDEL', KEYS[2], id) end
	end
end
if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('SET', KEYS[3], now) end
local before = redis.call('HGET', KEYS[2], ARGV[1]) or ''
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], 3600000) end
return {before, redis.call('GET', KEYS[3]) or ''}`

// goneScript returns which of some ids are not those of members.
const goneScript = clock + `local gone = tonumber(ARGV[1])
local since = tonumber(redis.call('GET', KEYS[2]) or now) or now
local out = {}
if since > now - gone then return out end
for i = 2, #ARGV do
	local seen = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0)
	if seen < now - gone then out[#out + 1] = ARGV[i] end
end
return out`

// runBeat says again and again that this gateway is there, and looks who else is, until ctx ends. There is no farewell:
// who starts again within tempo.gone has never been away, and nobody takes up its work.
func (f *Fleet) runBeat(ctx context.Context) {
	ticker := time.NewTicker(f.tempo.beat)
	defer ticker.Stop()
	listed := time.Time{}
	for {
		if f.beat(ctx) == nil && time.Since(listed) >= f.listEvery() {
			if _, err := f.Members(ctx); err == nil {
				listed = time.Now()
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// listEvery is the longer the more members there are: so the list costs Redis the same for each of them.
func (f *Fleet) listEvery() time.Duration {
	return max(f.tempo.list, time.Duration(f.Size())*20*time.Millisecond)
}

// beat gives one sign of life.
func (f *Fleet) beat(ctx context.Context) error {
	keys := []string{f.names.seen(), f.names.members(), f.names.since()}
	got, err := f.ask(ctx, beatScript, keys, f.o.Member, f.crew.note(), f.tempo.gone.Milliseconds())
	if err != nil || len(got) != 2 {
		return err
	}
	f.crew.replaced(f, got[0])
	if f.crew.turned(got[1]) {
		f.intents.lookSoon() // Redis may have lost what it was told
	}
	return nil
}

// gone returns which of some members' ids are those of nobody any more. An error: that is not known.
func (f *Fleet) gone(ctx context.Context, ids []string) (gone map[string]bool, err error) {
	args := []any{f.tempo.gone.Milliseconds()}
	for _, id := range ids {
		args = append(args, id)
	}
	got, err := f.ask(ctx, goneScript, []string{f.names.seen(), f.names.since()}, args...)
	gone = make(map[string]bool, len(got))
	for _, id := range got {
		gone[id] = true
	}
	return gone, err
}
