package shared

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

const (
	leaseTTL     = 3 * renewing     // of a pull whose holder does not renew it any more
	committedTTL = 24 * time.Hour   // of an object in a spool: whoever finds it in vain takes over
	savedTTL     = 60 * time.Second // who looked into the bucket just before it was saved looks again
)

const (
	// renewScript also brings back a lease that Redis has lost.
	renewScript = `
local lease = redis.call('GET', KEYS[1])
if lease == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if lease then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

	commitScript = `
local lease = redis.call('GET', KEYS[1])
if lease and lease ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

	releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

	dropScript = `
local lease = redis.call('GET', KEYS[1])
if lease and string.sub(lease, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`
)

// lease is a pull of this gateway for all.
type lease struct {
	fleet *Fleet
	id    cache.ID
	note  leaseNote
	state atomic.Int32
}

// The states of a lease.
const (
	leaseHeld int32 = iota // renewed until it ends
	leaseCommitted
	leaseEnded
)

var _ cache.Lease = (*lease)(nil)

// Commit implements cache.Lease. A lease that Redis has lost meanwhile is noted again; one that another gateway has got
// stays that one's.
func (l *lease) Commit(ctx context.Context) {
	if !l.state.CompareAndSwap(leaseHeld, leaseCommitted) {
		return
	}
	l.fleet.held.remove(l)
	f, args := l.fleet, []any{l.note.encode(), l.note.in(committed).encode(), committedTTL.Milliseconds()}
	var intent *redis.Cmd
	err := f.link.pipelined(ctx, func(pipe redis.Pipeliner) { // without it the lease ends soon, and others pull again
		pipe.Eval(ctx, commitScript, []string{f.names.lease(l.id)}, args...)
		intent = f.announceIn(ctx, pipe, l.id)
	})
	_ = f.announced(l.id, intent, err) // else it is noted later
}

// Release implements cache.Lease.
func (l *lease) Release() {
	switch l.state.Swap(leaseEnded) {
	case leaseHeld:
		l.fleet.held.remove(l)
		l.fleet.writer.add(l.release)
	case leaseCommitted:
		if w := l.fleet.o.Waiting; w == nil || !w(l.id) { // else another body of it waits to be saved
			l.fleet.Left(l.id, false)
		}
	}
}

func (l *lease) release(ctx context.Context, pipe redis.Pipeliner) {
	pipe.Eval(ctx, releaseScript, []string{l.fleet.names.lease(l.id)}, l.note.encode())
}

// Settle implements cache.Lease. For the others it is as if the object had just been saved.
func (l *lease) Settle(period time.Duration) {
	if l.state.Swap(leaseEnded) != leaseHeld {
		return
	}
	l.fleet.held.remove(l)
	args := []any{l.note.encode(), l.note.in(saved).encode(), max(period.Milliseconds(), 1)}
	l.fleet.writer.add(func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.Eval(ctx, commitScript, []string{l.fleet.names.lease(l.id)}, args...)
	})
}

// held is the leases of this gateway's pulls.
type held struct {
	mu       sync.Mutex
	leases   map[cache.ID]*lease
	claiming map[cache.ID]bool
}

func newHeld() *held {
	return &held{leases: make(map[cache.ID]*lease), claiming: make(map[cache.ID]bool)}
}

// begin tells whether a lease may be claimed: this gateway neither has it nor is about to. begun follows.
func (h *held) begin(id cache.ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leases[id] != nil || h.claiming[id] {
		return false
	}
	h.claiming[id] = true
	return true
}

func (h *held) begun(id cache.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.claiming, id)
}

func (h *held) add(f *Fleet, id cache.ID, note leaseNote) *lease {
	l := &lease{fleet: f, id: id, note: note}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leases[id] = l
	return l
}

func (h *held) remove(l *lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leases[l.id] == l {
		delete(h.leases, l.id)
	}
}

func (h *held) all() []*lease {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.leases))
}

// renew renews all leases held, and says that this gateway lives.
func (f *Fleet) renew(ctx context.Context) {
	_ = f.link.do(ctx, func(ctx context.Context) error {
		return f.link.rdb.Set(ctx, f.names.lives(f.o.Member), format, leaseTTL).Err()
	})
	for some := range slices.Chunk(f.held.all(), batch) {
		f.renewSome(ctx, some)
	}
}

// renewSome forgets the leases that others have got. Their pulls go on: their clients wait for them.
func (f *Fleet) renewSome(ctx context.Context, leases []*lease) {
	answers := make([]*redis.Cmd, len(leases))
	err := f.link.pipelined(ctx, func(pipe redis.Pipeliner) {
		for i, l := range leases {
			args := []any{l.note.encode(), leaseTTL.Milliseconds()}
			answers[i] = pipe.Eval(ctx, renewScript, []string{f.names.lease(l.id)}, args...)
		}
	})
	if err != nil {
		return // tried again at the next renewal
	}
	for i, l := range leases {
		if ours, err := answers[i].Int(); err != nil || ours == 0 {
			f.held.remove(l)
		}
	}
}

// releaseAll ends what is still held when the gateway stops.
func (f *Fleet) releaseAll(ctx context.Context) {
	for some := range slices.Chunk(f.held.all(), batch) {
		_ = f.link.pipelined(ctx, func(pipe redis.Pipeliner) { // they end by themselves soon
			for _, l := range some {
				l.release(ctx, pipe)
			}
		})
	}
}

// Dropped says that this gateway has no longer an object in its spool which it had committed, nor is it in the bucket:
// somebody has taken it out. It does not block.
func (f *Fleet) Dropped(id cache.ID) { f.dropLease(id, own(f.o.Member)) }

// dropLease ends the lease of an object if its note begins so.
func (f *Fleet) dropLease(id cache.ID, begins string) {
	f.writer.add(func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.Eval(ctx, dropScript, []string{f.names.lease(id)}, begins)
	})
}

// isUnknown tells of an error whether it leaves open what stands in Redis.
func isUnknown(err error) bool { return !errors.Is(err, redis.Nil) && !errors.Is(err, errForeign) }
