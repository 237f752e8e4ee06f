package shared

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

// maxStream is how many intents a stream may hold: above it further pulls are not noted.
const maxStream = 250_000

// makeStream makes a stream and its group if they are not there. Whatever was in it belongs to nobody then.
const makeStream = `local token = redis.call('GET', KEYS[2])
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], 'gateways', '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP') then return redis.error_reply(made.err) end
if not made.err or not token then
	token = ARGV[1]
	redis.call('SET', KEYS[2], token)
end
`

// announceScript adds an intent and makes it pending to its member, in one step: an intent that is pending to nobody
// would be found by nobody. It is read as the last of the stream; what others may have put there comes with it, and is
// found again among what is pending.
const announceScript = makeStream + `if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[6]) then return {token, ''} end
local id = redis.call('XADD', KEYS[1], '*', 'v', ARGV[3], 'site', ARGV[4], 'key', ARGV[5])
for _ = 1, 10 do
	local got = redis.call('XREADGROUP', 'GROUP', 'gateways', ARGV[2], 'COUNT', 1000, 'STREAMS', KEYS[1], '>')
	local read = got and got[1] and got[1][2] or {}
	if #read == 0 or read[#read][1] == id then break end
end
return {token, id}`

// settleScript removes intents that are done.
const settleScript = `redis.call('XACK', KEYS[1], 'gateways', unpack(ARGV))
return redis.call('XDEL', KEYS[1], unpack(ARGV))`

// maxDone is how many intents that are done wait to be removed, and how many go at one time. What is over it, or lost,
// is found to be done later.
const (
	maxDone  = 65536
	doneStep = 500
)

// tellings is how often what waits in the spool is announced after something could not be: that is committed a moment
// later, and may not be there the first time.
const tellings = 2

// intents is what this gateway knows of those in Redis.
type intents struct {
	shelves [shards]shelf
	done    chan doneIntent
	look    chan struct{} // for intents that were lost, at once
	tell    chan struct{} // what waits in the spool is to be announced, as far as it is not
	missed  atomic.Int32  // how often what waits in the spool is to be announced yet, as something was not
	full    atomic.Bool   // a stream is
	taking  atomic.Bool   // lost ones are being taken up
	slots   chan struct{} // one for each that is pulled again
	running sync.WaitGroup
	duty    *duty
}

type doneIntent struct {
	shard int
	place place
}

// shelf is what is known of a shard.
type shelf struct {
	mu     sync.Mutex
	known  map[sum]place      // the intents of what waits in the spool
	busy   map[place]struct{} // those that are being pulled again
	token  string             // of the stream they are in
	cursor place              // how far the pending ones have been looked through
	swept  bool               // all of them have been, since the start
}

// pullers is how many lost objects a gateway pulls at one time.
const pullers = 8

func newIntents() *intents {
	in := &intents{
		done: make(chan doneIntent, maxDone), look: make(chan struct{}, 1), tell: make(chan struct{}, 1),
		slots: make(chan struct{}, pullers), duty: newDuty(),
	}
	for i := range in.shelves {
		in.shelves[i].known, in.shelves[i].busy = make(map[sum]place), make(map[place]struct{})
	}
	return in
}

func (in *intents) lookSoon() { poke(in.look) }
func (in *intents) tellSoon() { poke(in.tell) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// announce notes that id was pulled and is not saved yet. It is called before the object is committed to the spool; if
// that fails, settle follows. An error: it was not noted, which is made up for once Redis is there again.
func (f *Fleet) announce(ctx context.Context, id cache.ID) error {
	var answer *redis.Cmd
	err := f.link.pipelined(ctx, func(pipe redis.Pipeliner) { answer = f.announceIn(ctx, pipe, id) })
	return f.announced(id, answer, err)
}

// Keeps implements cache.Fleet.
func (f *Fleet) Keeps(ctx context.Context, id cache.ID) { _ = f.announce(ctx, id) } // else it is noted later

// announceIn does so in a pipeline; announced takes its answer.
func (f *Fleet) announceIn(ctx context.Context, pipe redis.Pipeliner, id cache.ID) *redis.Cmd {
	shard := shardOf(id)
	return pipe.Eval(ctx, announceScript, f.shardKeys(shard), random(), f.o.Member, format, id.Site, id.Key, maxStream)
}

func (f *Fleet) announced(id cache.ID, answer *redis.Cmd, err error) error {
	var got []string
	if err == nil && answer != nil {
		got, err = answer.StringSlice()
	}
	switch {
	case err != nil && isForeign(err): // where something else is, an intent never will be
		return errForeign
	case err != nil || len(got) != 2:
		f.intents.missed.Store(tellings)
		return err
	}
	shard := shardOf(id)
	f.reborn(shard, got[0])
	if full := got[1] == ""; f.intents.full.Swap(full) != full {
		f.warnOr(full, "redis holds as many intents as it may: pulls are not noted, and not made again if a machine is lost",
			"pulls are noted again")
	}
	if p, ok := parsePlace(got[1]); ok && !f.intents.shelves[shard].remember(id, p) {
		f.finish(shard, p) // it has one already
	}
	return nil
}

func (f *Fleet) shardKeys(shard int) []string {
	return []string{f.names.stream(shard), f.names.token(shard)}
}

// settle says that id is no intent any more: the bucket has it, or a person has dropped it. It does not block.
func (f *Fleet) settle(id cache.ID) {
	shard := shardOf(id)
	if p, ok := f.intents.shelves[shard].forget(id); ok {
		f.finish(shard, p)
	}
}

// Left says that an object has left this gateway's spool for good: saved, or dropped. It does not block.
func (f *Fleet) Left(id cache.ID, saved bool) {
	f.settle(id)
	if saved {
		f.Saved(id)
	} else {
		f.Dropped(id)
	}
}

// finish has an intent removed.
func (f *Fleet) finish(shard int, p place) {
	select {
	case f.intents.done <- doneIntent{shard, p}:
	default: // it will be found to be done
	}
}

// reborn takes in which stream a shard has. With another one than before all of its intents are gone.
func (f *Fleet) reborn(shard int, token string) {
	s := &f.intents.shelves[shard]
	s.mu.Lock()
	was := s.token
	s.token = token
	if was != "" && was != token {
		clear(s.known)
		f.intents.tellSoon()
	}
	s.mu.Unlock()
}

// size is how many intents are known.
func (s *shelf) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known)
}

// doubt forgets what is known, after Redis has lost some of it: a replica that took over may lack what came last, and a
// gateway that was taken for gone has lost its intents to others. All that is pending is looked through again, and what
// waits in the spool and is not among it is announced anew. An intent that ends meanwhile is found to be done later.
func (s *shelf) doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
	s.cursor, s.swept = place{}, false
}

func (s *shelf) has(id cache.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[sumOf(id)]
	return ok
}

// remember keeps where an object's intent is, unless there is another one, and tells whether it is this one.
func (s *shelf) remember(id cache.ID, p place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	other, ok := s.known[sumOf(id)]
	if !ok {
		s.known[sumOf(id)] = p
	}
	return !ok || other == p
}

func (s *shelf) forget(id cache.ID) (p place, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok = s.known[sumOf(id)]
	delete(s.known, sumOf(id))
	return p, ok
}

// runDone removes intents that are done, as many at one time as there are, until ctx ends.
func (f *Fleet) runDone(ctx context.Context) {
	for {
		select {
		case first := <-f.intents.done:
			f.clear(ctx, f.gather(first))
		case <-ctx.Done():
			return
		}
	}
}

// clearLast removes what is left at the end, as far as one call goes. What stays is found to be done after the next
// start.
func (f *Fleet) clearLast(ctx context.Context) {
	select {
	case first := <-f.intents.done:
		_ = f.clearOnce(context.WithoutCancel(ctx), f.gather(first)) // which waits for no longer than patience
	default:
	}
}

// gather sorts what is done by shards.
func (f *Fleet) gather(first doneIntent) map[int][]any {
	batch := map[int][]any{first.shard: {first.place.String()}}
	for range doneStep - 1 {
		select {
		case d := <-f.intents.done:
			batch[d.shard] = append(batch[d.shard], d.place.String())
		default:
			return batch
		}
	}
	return batch
}

// clear removes a batch. While Redis is away it waits, and further ones behind it.
func (f *Fleet) clear(ctx context.Context, batch map[int][]any) {
	for f.clearOnce(ctx, batch) != nil {
		select {
		case <-time.After(probing/2 + rand.N(probing)):
		case <-ctx.Done():
			return
		}
	}
}

func (f *Fleet) clearOnce(ctx context.Context, batch map[int][]any) error {
	return f.link.pipelined(ctx, func(pipe redis.Pipeliner) { // where something else is there is nothing to remove
		for shard, places := range batch {
			pipe.Eval(ctx, settleScript, f.shardKeys(shard)[:1], places...)
		}
	})
}

// runTell announces what waits in the spool without being noted, until ctx ends: after a flush, and what was pulled
// while Redis was away.
func (f *Fleet) runTell(ctx context.Context) {
	for {
		select {
		case <-f.intents.tell:
			f.tellAll(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (f *Fleet) tellAll(ctx context.Context) {
	if f.o.Each == nil {
		return
	}
	if f.intents.missed.Load() > 0 {
		f.intents.missed.Add(-1)
	}
	f.o.Each(func(id cache.ID) bool {
		if f.intents.shelves[shardOf(id)].has(id) {
			return ctx.Err() == nil
		}
		if err := f.announce(ctx, id); err != nil && !errors.Is(err, errForeign) {
			return false // missed says so, and it is begun anew
		}
		f.recheck(id)
		return ctx.Err() == nil
	})
}

// recheck settles the intent of what has left the spool while it was being noted.
func (f *Fleet) recheck(id cache.ID) {
	if f.o.Waiting != nil && !f.o.Waiting(id) {
		f.settle(id)
	}
}
