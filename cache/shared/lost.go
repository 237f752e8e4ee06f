package shared

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	ownPage    = 100             // own intents that are looked at in one step
	lostPage   = 8               // those of a member that is gone
	maxTries   = 5               // deliveries: with more of them an intent goes to the dead list
	longestGap = 5 * time.Minute // between two of them
)

// lookScript returns the stream's token, and the consumers with how many intents are pending to each.
const lookScript = makeStream + `local out = {token}
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'gateways')) do
	local name, pending = '', 0
	for i = 1, #consumer, 2 do
		if consumer[i] == 'name' then name = consumer[i + 1] end
		if consumer[i] == 'pending' then pending = consumer[i + 1] end
	end
	out[#out + 1] = name
	out[#out + 1] = tostring(pending)
end
return out`

// seizeScript makes an intent pending to a member, if it still is to the other one and has been for so long; it returns
// its deliveries and its fields.
const seizeScript = `local row = redis.call('XPENDING', KEYS[1], 'gateways', ARGV[3], ARGV[3], 1, ARGV[2])[1]
if not row or row[3] < tonumber(ARGV[4]) then return {} end
local got = redis.call('XCLAIM', KEYS[1], 'gateways', ARGV[1], 0, ARGV[3])[1]
if not got then
	redis.call('XACK', KEYS[1], 'gateways', ARGV[3])
	return {}
end
local out = {tostring(row[4] + 1)}
for _, field in ipairs(got[2]) do out[#out + 1] = field end
return out`

// tidyScript removes a consumer to whom nothing is pending.
const tidyScript = `if #redis.call('XPENDING', KEYS[1], 'gateways', '-', '+', 1, ARGV[1]) == 0 then
	redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'gateways', ARGV[1])
end
return {}`

// lost is intents that nobody looks after: those of a member that is gone, or this gateway's own of an earlier life.
type lost struct {
	shard int
	from  string   // to whom they are pending
	own   []string // their ids, if that is this gateway
}

// runLook looks for lost intents now and then until ctx ends, and has them pulled again.
func (f *Fleet) runLook(ctx context.Context) {
	for {
		if !f.link.isAway() {
			f.lookOnce(ctx)
		}
		timer := time.NewTimer(f.lookEvery())
		select {
		case <-timer.C:
		case <-f.intents.look:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// lookEvery is the longer the more members there are, who all look: so what it costs Redis has a bound. It is another
// time each time, so that they do not look together.
func (f *Fleet) lookEvery() time.Duration {
	d := f.tempo.scan * time.Duration(max(1, f.Size()/8))
	return d*2/3 + rand.N(d*2/3)
}

// lookOnce takes up what is this gateway's own, and finds what others have lost.
func (f *Fleet) lookOnce(ctx context.Context) {
	var found []lost
	swept := true
	for _, shard := range rand.Perm(shards) {
		l, err := f.lookInto(ctx, shard)
		if errors.Is(err, errAway) || ctx.Err() != nil {
			return
		}
		found = append(found, l...)
		swept = swept && (err == nil || errors.Is(err, errForeign))
	}
	if f.intents.missed.Load() > 0 || swept && f.firstSweep() {
		f.intents.tellSoon()
	}
	if f.o.Pull == nil || len(found) == 0 || f.intents.taking.Swap(true) {
		return
	}
	f.intents.running.Go(func() {
		defer f.intents.taking.Store(false)
		f.takeUp(ctx, found)
	})
}

// firstSweep tells, once, that all that was pending at the start has been looked through: what waits in the spool and
// was not among it is to be announced.
func (f *Fleet) firstSweep() (first bool) {
	for i := range f.intents.shelves {
		s := &f.intents.shelves[i]
		s.mu.Lock()
		first, s.swept = first || !s.swept, true
		s.mu.Unlock()
	}
	return first
}

// lookInto looks into one shard.
func (f *Fleet) lookInto(ctx context.Context, shard int) ([]lost, error) {
	s := &f.intents.shelves[shard]
	known := s.size()
	got, err := f.ask(ctx, lookScript, f.shardKeys(shard), random())
	if err != nil || len(got) == 0 {
		return nil, err
	}
	f.reborn(shard, got[0])
	if pendingIn(got[1:], f.o.Member) < min(known, s.size()) {
		s.doubt()
	}
	var found []lost
	for i := 1; i+1 < len(got); i += 2 {
		if got[i] != f.o.Member {
			found = append(found, lost{shard: shard, from: got[i]})
			continue
		}
		own, err := f.sweepOwn(ctx, shard)
		if err != nil {
			return found, err
		}
		if len(own) > 0 {
			found = append(found, lost{shard, f.o.Member, own})
		}
	}
	return f.onlyGone(ctx, found)
}

// pendingIn is how many intents are pending to a member, by what lookScript returned of consumers.
func pendingIn(consumers []string, member string) int {
	for i := 0; i+1 < len(consumers); i += 2 {
		if consumers[i] == member {
			n, _ := strconv.Atoi(consumers[i+1]) // Redis counts in digits
			return n
		}
	}
	return 0
}

// onlyGone leaves out what is pending to members that are there.
func (f *Fleet) onlyGone(ctx context.Context, found []lost) (left []lost, err error) {
	var ids []string
	for _, l := range found {
		if l.own == nil {
			ids = append(ids, l.from)
		}
	}
	if len(ids) == 0 {
		return found, nil
	}
	gone, err := f.gone(ctx, ids)
	for _, l := range found {
		if l.own != nil || gone[l.from] {
			left = append(left, l)
		}
	}
	return left, err
}

// pending is a row of what is pending.
type pending struct {
	id    string
	idle  time.Duration
	tries int64 // deliveries
}

// due tells whether it may be taken up: after each try the pause is longer.
func (f *Fleet) due(p pending) bool {
	wait := f.tempo.gone
	if p.tries > 1 {
		wait = max(wait, min(longestGap, f.tempo.again<<(2*min(p.tries-2, 10))))
	}
	return p.idle >= wait
}

// pendingOf returns a page of what is pending to a member, behind an id.
func (f *Fleet) pendingOf(ctx context.Context, shard int, member, after string, n int64) (page []pending, err error) {
	var got []redis.XPendingExt
	err = f.link.do(ctx, func(ctx context.Context) (err error) {
		got, err = f.link.rdb.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: f.names.stream(shard), Group: groupName, Consumer: member, Start: "(" + after, End: "+", Count: n,
		}).Result()
		return ours(err)
	})
	for _, row := range got {
		page = append(page, pending{row.ID, row.Idle, row.RetryCount})
	}
	return page, err
}

// seize makes an intent this gateway's own, if it still is the other's. tries is 0 if it is not.
func (f *Fleet) seize(ctx context.Context, l lost, id string) (fields []string, tries int, err error) {
	got, err := f.ask(ctx, seizeScript, f.shardKeys(l.shard)[:1], f.o.Member, l.from, id, f.tempo.gone.Milliseconds())
	if err != nil || len(got) == 0 {
		return nil, 0, err
	}
	tries, err = strconv.Atoi(got[0])
	return got[1:], tries, err
}
