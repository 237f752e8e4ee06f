package shared

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

// peekScript returns the fields of intents, each behind its id. Those that are not in the stream any more are no longer
// pending, either.
const peekScript = `local out = {}
for _, id in ipairs(ARGV) do
	local got = redis.call('XRANGE', KEYS[1], id, id)[1]
	if got then out[#out + 1] = got else redis.call('XACK', KEYS[1], 'gateways', id) end
end
return out`

// sweepOwn goes through what is pending to this gateway: all of it after the start, then a page at a time. What waits
// in the spool is remembered; what does not, and is in no work, is returned: it was announced by an earlier process, or
// the news of its end was lost.
func (f *Fleet) sweepOwn(ctx context.Context, shard int) (own []string, err error) {
	s := &f.intents.shelves[shard]
	for {
		page, err := f.pendingOf(ctx, shard, f.o.Member, s.cursor.String(), ownPage)
		if errors.Is(err, redis.Nil) {
			return own, nil
		}
		if err != nil {
			return own, err
		}
		strays, err := f.strays(ctx, shard, s.unknown(page))
		if err != nil {
			return own, err
		}
		own = append(own, strays...)
		s.cursor = place{}
		if len(page) == ownPage {
			s.cursor, _ = parsePlace(page[len(page)-1].id)
		}
		if s.cursor == (place{}) || s.isSwept() {
			return own, nil
		}
	}
}

func (s *shelf) isSwept() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.swept
}

// unknown returns those of a page that are neither remembered nor in work.
func (s *shelf) unknown(page []pending) (list []pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make(map[place]bool, len(page))
	for _, p := range page {
		at, _ := parsePlace(p.id)
		_, known[at] = s.busy[at]
	}
	for _, at := range s.known {
		if _, ok := known[at]; ok {
			known[at] = true
		}
	}
	for _, p := range page {
		if at, ok := parsePlace(p.id); ok && !known[at] {
			list = append(list, p)
		}
	}
	return list
}

// strays remembers those of some own intents whose objects wait in the spool, and returns the others that are due.
func (f *Fleet) strays(ctx context.Context, shard int, list []pending) (ids []string, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	fields, err := f.peek(ctx, shard, list)
	for _, p := range list {
		text, there := fields[p.id]
		at, _ := parsePlace(p.id)
		id, ok := parseIntent(text, shard)
		switch {
		case !there:
		case !ok:
			f.strange(ctx, shard, p.id)
		case f.o.Waiting != nil && f.o.Waiting(id):
			f.adopt(shard, id, at)
		case f.due(p):
			ids = append(ids, p.id)
		}
	}
	return ids, err
}

// adopt remembers the intent of an object that waits in the spool. A second one of the same object is of no use.
func (f *Fleet) adopt(shard int, id cache.ID, at place) {
	if f.intents.shelves[shard].remember(id, at) {
		f.recheck(id)
		return
	}
	f.finish(shard, at)
}

// peek reads intents.
func (f *Fleet) peek(ctx context.Context, shard int, list []pending) (fields map[string][]string, err error) {
	var ids []any
	for _, p := range list {
		ids = append(ids, p.id)
	}
	var got []any
	err = f.link.do(ctx, func(ctx context.Context) (err error) {
		got, err = redis.NewScript(peekScript).Run(ctx, f.link.rdb, f.shardKeys(shard)[:1], ids...).Slice()
		return err
	})
	fields = make(map[string][]string, len(got))
	for _, row := range got {
		if pair, ok := row.([]any); ok && len(pair) == 2 {
			id, _ := pair[0].(string)
			fields[id] = texts(pair[1])
		}
	}
	return fields, err
}

// texts is a list of texts as go-redis gives it; what is none is "".
func texts(v any) (list []string) {
	values, _ := v.([]any)
	for _, value := range values {
		text, _ := value.(string)
		list = append(list, text)
	}
	return list
}

// strange counts what is no intent of ours. It stays in the stream, but is pending to nobody any more.
func (f *Fleet) strange(ctx context.Context, shard int, id string) {
	f.link.foreign.Add(1)
	_ = f.link.do(ctx, func(ctx context.Context) error { // else it is counted once more
		return f.link.rdb.XAck(ctx, f.names.stream(shard), groupName, id).Err()
	})
}
