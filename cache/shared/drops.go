package shared

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

// hush is how long nothing may come on a subscription until it is asked whether it still stands.
const hush = 2 * time.Second

const savedScript = `
local own, note, ttl, format = unpack(ARGV)
local function begins(text, with) return text and string.sub(text, 1, #with) == with end
if begins(redis.call('GET', KEYS[2]), format) then redis.call('DEL', KEYS[2]) end
local lease = redis.call('GET', KEYS[1])
if not lease or begins(lease, own) then redis.call('SET', KEYS[1], note, 'PX', ttl) end
return 1`

// Saved says that this gateway has written an object into its bucket, where it may have replaced another: the others
// drop what they remember of it. It does not block.
func (f *Fleet) Saved(id cache.ID) {
	if !isTold(len(id.Site), len(id.Key)) {
		return
	}
	note := leaseNote{member: f.o.Member, state: saved, token: rand.Text()}
	keys := []string{f.names.lease(id), f.names.negative(id)}
	args := []any{own(f.o.Member), note.encode(), savedTTL.Milliseconds(), format + " "}
	f.writer.addSaved(id, func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.Eval(ctx, savedScript, keys, args...)
	})
}

// newsGap is the longer the more members there are, who all hear of it: so all news together come so often.
func (f *Fleet) newsGap() time.Duration { return f.tempo.news * time.Duration(f.Size()) }

// listen hears of what others have saved, until ctx ends.
func (f *Fleet) listen(ctx context.Context) {
	for {
		f.subscribe(ctx)
		if !pause(ctx, probing) {
			return
		}
	}
}

// subscribe listens until the subscription breaks. Nothing is kept for a subscriber that is not there, so that with
// each new subscription something may have been missed.
func (f *Fleet) subscribe(ctx context.Context) {
	sub := f.link.rdb.Subscribe(ctx, f.names.drops())
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // a receive does not notice the end of ctx
	for asked := false; ; {
		message, err := sub.ReceiveTimeout(ctx, hush)
		switch {
		case err == nil:
			asked = false
			f.heard(message)
		case asked || !isTimeout(err) || sub.Ping(ctx) != nil:
			return
		default:
			asked = true
		}
	}
}

func (f *Fleet) heard(message any) {
	switch m := message.(type) {
	case *redis.Subscription:
		f.o.Doubt()
	case *redis.Message:
		if strings.HasPrefix(m.Payload, purgeFormat+" ") {
			f.heardPurge(m.Payload)
			return
		}
		n := known(f.link, m.Payload, decodeNews)
		if n == nil || n.member == f.o.Member {
			return
		}
		for _, id := range n.ids {
			f.o.Saved(id)
		}
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
