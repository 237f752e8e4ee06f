package shared

import "github.com/redis/go-redis/v9"

// takeScript takes from what comes in at a rate. Its note is the format and the time, in microseconds, at which all
// will have come in that was taken. It lasts until then.
//
// KEYS: the note. ARGV: the time in which comes in what is to be taken, how much may be taken early, the longest wait,
// and the longest that anybody waits; all in microseconds. It returns the wait; -1: the note is not ours.
var takeScript = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, early, most, horizon = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local due = now
local note = redis.call('GET', KEYS[1])
if note then
  local digits = #note <= 20 and string.match(note, '^1 (%d+)$')
  if not digits then return -1 end
  due = tonumber(digits)
  -- Nobody takes so far ahead: the clock is another one, or was set.
  if due < now or due - early > now + horizon then due = now end
end
due = due + cost
local wait = math.ceil(math.max(due - early - now, 0))
if wait <= most then
  redis.call('SET', KEYS[1], string.format('1 %.0f', due), 'PX', string.format('%.0f', (due - now) / 1000 + 1000))
end
return wait
`)

// enterScript takes a place. Places are a sorted set of tokens by the time, in milliseconds, at which they are free
// again unless their gateway renews them. Beside it is the time since when it is kept: when that is a moment ago, Redis
// may have lost the places of others, who will say so soon; until then a gateway takes no more than its part.
//
// KEYS: the places; the format and the time since when. ARGV: the token, how many places there are, how many this
// gateway has, its part; how long a place, that moment and the second note last. It returns 1: taken, 0: not, -1: the
// second note is not ours.
var enterScript = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local places, held, part = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lasts, settling = tonumber(ARGV[5]), tonumber(ARGV[6])
local since = now
local note = redis.call('GET', KEYS[2])
if note then
  local digits = #note <= 20 and string.match(note, '^1 (%d+)$')
  if not digits then return -1 end
  since = math.min(tonumber(digits), now)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('SET', KEYS[2], string.format('1 %.0f', since), 'PX', ARGV[7])
-- No place of ours lasts longer: the clock is another one, or was set.
local taken = redis.call('ZCOUNT', KEYS[1], string.format('%.0f', now), string.format('%.0f', now + lasts))
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) -- else it has it already, and did not hear of that
  and (taken >= places or (now - since < settling and held >= part)) then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + lasts), ARGV[1])
redis.call('PEXPIRE', KEYS[1], lasts)
return 1
`)

// renewPlacesScript lets places last on, those too that Redis has lost or never knew.
//
// KEYS: the places. ARGV: how long they last, and their tokens.
const renewPlacesScript = `
local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], ends, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`
