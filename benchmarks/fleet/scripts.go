package main

import "github.com/redis/go-redis/v9"

// scripts are those of a miss.
type scripts struct {
	claim, swap, announce, save, settle, beat, list, look, gone *redis.Script
}

func newScripts() scripts {
	return scripts{
		claim:    redis.NewScript(claimScript),
		swap:     redis.NewScript(swapScript),
		announce: redis.NewScript(announceScript),
		save:     redis.NewScript(saveScript),
		settle:   redis.NewScript(settleScript),
		beat:     redis.NewScript(beatScript),
		list:     redis.NewScript(listScript),
		look:     redis.NewScript(lookScript),
		gone:     redis.NewScript(goneScript),
	}
}

// What the scripts do is what the fleet's do, in as many commands over notes of the same length.
const (
	// claimScript: lease, negative note; the note to set, its time, the note that is passed over, the scope.
	claimScript = `
local lease, negative = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
if negative and string.sub(negative, 1, #ARGV[4]) == ARGV[4] then return {0, '', negative} end
if lease and lease ~= ARGV[3] then return {0, lease, ''} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, '', ''}`

	// swapScript: lease; the note that must be there, the new one, its time.
	swapScript = `
local lease = redis.call('GET', KEYS[1])
if lease and lease ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

	// announceScript: stream; consumer, site, key. The entry is at once the consumer's.
	announceScript = `
local id = redis.call('XADD', KEYS[1], '*', 'v', '1', 's', ARGV[2], 'k', ARGV[3])
redis.call('XREADGROUP', 'GROUP', 'g', ARGV[1], 'COUNT', 1, 'STREAMS', KEYS[1], '>')
return id`

	// saveScript: lease, negative note; the new note, its time, channel, message, what is ours.
	saveScript = `
redis.call('PUBLISH', ARGV[3], ARGV[4])
if redis.call('GET', KEYS[2]) then redis.call('DEL', KEYS[2]) end
local lease = redis.call('GET', KEYS[1])
if not lease or string.sub(lease, 1, #ARGV[5]) == ARGV[5] then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`

	// settleScript: stream; entry.
	settleScript = `
redis.call('XACK', KEYS[1], 'g', ARGV[1])
return redis.call('XDEL', KEYS[1], ARGV[1])`

	// beatScript: when members were seen, what they say of themselves; member, its note, the time after which it is gone.
	beatScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])) do
	redis.call('ZREM', KEYS[1], id)
	redis.call('HDEL', KEYS[2], id)
end
local before = redis.call('HGET', KEYS[2], ARGV[1]) or ''
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], 3600000) end
return before`

	// listScript: as beatScript; the time after which a member is gone.
	listScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
local seen = redis.call('ZRANGEBYSCORE', KEYS[1], now - ARGV[1], '+inf', 'WITHSCORES')
for i = 1, #seen, 2 do
	out[#out + 1] = seen[i]
	out[#out + 1] = seen[i + 1]
	out[#out + 1] = redis.call('HGET', KEYS[2], seen[i]) or ''
end
return out`

	// lookScript: stream. It returns the consumers with how many entries are pending to each.
	lookScript = `
local out = {}
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'g')) do
	for i = 1, #consumer, 2 do
		if consumer[i] == 'name' or consumer[i] == 'pending' then out[#out + 1] = tostring(consumer[i + 1]) end
	end
end
return out`

	// goneScript: as beatScript; the time after which a member is gone, and the members that are looked for.
	goneScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
for i = 2, #ARGV do
	local seen = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0)
	if seen < now - ARGV[1] then out[#out + 1] = ARGV[i] end
end
return out`
)
