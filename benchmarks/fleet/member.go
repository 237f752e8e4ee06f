package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// member is a gateway, as far as Redis is concerned.
type member struct {
	rdb     *redis.Client
	scripts scripts
	id      string
	note    string        // what it says of itself
	size    *atomic.Int64 // of the fleet
	entries sync.Map      // of its intents, by key
}

const (
	prefix    = "mirrorgate:1:0a1b2c3d:"
	site      = "assets"
	shards    = 16
	beatEvery = 2 * time.Second
	goneAfter = 3 * beatEvery
	scope     = "0123456789abcdef0123456789abcdef"
	token     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func newMember(addr string, number int, size *atomic.Int64) *member {
	sum := sha256.Sum256(fmt.Append(nil, "member", number))
	m := &member{id: hex.EncodeToString(sum[:16]), scripts: newScripts(), size: size}
	m.rdb = redis.NewClient(&redis.Options{Addr: addr, PoolSize: 8, DisableIdentity: true, ReadTimeout: time.Minute,
		MaxRetries: -1})
	m.note = fmt.Sprintf(`1 {"run":%q,"started":"2026-11-24T21:26:47.123Z","version":"v1.2.3","setup":%q,"advertise":%q}`,
		m.id, m.id, m.address())
	return m
}

func (m *member) address() string { return "http://mirrorgate-" + m.id[:4] + ".peers:8080" }
func (m *member) close() error    { return m.rdb.Close() }

// lease is the note of a lease in a state: p while it is pulled, s in the spool, d when it is saved.
func (m *member) lease(state string) string { return m.own() + state + " " + token + " " + m.address() }
func (m *member) own() string               { return "1 " + m.id + " " }

// notes are the names of a key's lease and negative note.
func notes(key string) []string {
	sum := sha256.Sum256([]byte(site + key))
	tag := prefix + "{" + hex.EncodeToString(sum[:16]) + "}"
	return []string{tag + ":lease", tag + ":negative"}
}

func stream(key string) string {
	sum := sha256.Sum256([]byte(site + key))
	return shardStream(int(sum[0]) % shards)
}

func shardStream(shard int) string { return fmt.Sprintf("%s{i%d}:intents", prefix, shard) }

func (m *member) claim(ctx context.Context, key string) error {
	return m.scripts.claim.Run(ctx, m.rdb, notes(key), m.lease("p"), 6000, "", "1 "+scope).Err()
}

func (m *member) renew(ctx context.Context, keys []string) error {
	_, err := m.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Eval(ctx, swapScript, notes(key)[:1], m.lease("p"), m.lease("p"), 6000)
		}
		return nil
	})
	return err
}

// commit is called after the pull: the lease lasts until the object is saved, and an intent says that it is to be.
func (m *member) commit(ctx context.Context, key string) error {
	_, err := m.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Eval(ctx, swapScript, notes(key)[:1], m.lease("p"), m.lease("s"), 86_400_000)
		return nil
	})
	if err != nil {
		return err
	}
	entry, err := m.scripts.announce.Run(ctx, m.rdb, []string{stream(key)}, m.id, site, key).Text()
	m.entries.Store(key, entry)
	return err
}

// save is called when the object is in the bucket: all members hear of it, and its intent goes.
func (m *member) save(ctx context.Context, key string) error {
	entry, _ := m.entries.LoadAndDelete(key)
	message := fmt.Sprintf("%s%d %d %s%s", m.own(), len(site), len(key), site, key)
	_, err := m.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Eval(ctx, saveScript, notes(key), m.lease("d"), 60_000, prefix+"drops", message, m.own())
		p.Eval(ctx, settleScript, []string{stream(key)}, entry)
		return nil
	})
	return err
}

func (m *member) learnt(ctx context.Context, key string) error {
	return m.rdb.Set(ctx, notes(key)[1], "1 "+scope+" 404", time.Minute).Err()
}

// run is what a member does all the time.
func (m *member) run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { m.listen(ctx) })
	running.Go(func() { every(ctx, func() time.Duration { return beatEvery }, m.beat) })
	running.Go(func() { every(ctx, m.listEvery, m.list) })
	running.Go(func() { every(ctx, m.lookEvery, m.look) })
	running.Wait()
}

// every does something again and again. The first time is any within the first pause: members do not do it together.
func every(ctx context.Context, pause func() time.Duration, do func(context.Context)) {
	timer := time.NewTimer(rand.N(pause()))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			do(ctx)
			timer.Reset(pause())
		case <-ctx.Done():
			return
		}
	}
}

// listen reads what others have saved.
func (m *member) listen(ctx context.Context) {
	sub := m.rdb.Subscribe(ctx, prefix+"drops")
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for {
		if _, err := sub.Receive(ctx); err != nil {
			return
		}
	}
}

func members() []string { return []string{prefix + "{members}:seen", prefix + "{members}:notes"} }

func (m *member) beat(ctx context.Context) {
	_ = m.rdb.Set(ctx, prefix+"{"+m.id+"}:lives", 1, goneAfter).Err() // what is lost here only costs less
	_ = m.scripts.beat.Run(ctx, m.rdb, members(), m.id, m.note, goneAfter.Milliseconds()).Err()
}

func (m *member) listEvery() time.Duration {
	return max(5*time.Second, 20*time.Millisecond*time.Duration(m.size.Load()))
}

func (m *member) list(ctx context.Context) {
	_ = m.scripts.list.Run(ctx, m.rdb, members(), goneAfter.Milliseconds()).Err()
}

func (m *member) lookEvery() time.Duration {
	d := 3 * time.Second * time.Duration(max(1, m.size.Load()/8))
	return d*2/3 + rand.N(d*2/3)
}

// look asks each stream who has intents, and whether they live.
func (m *member) look(ctx context.Context) {
	for shard := range shards {
		got, err := m.scripts.look.Run(ctx, m.rdb, []string{shardStream(shard)}).StringSlice()
		if err != nil || len(got) == 0 {
			continue
		}
		ids := []any{goneAfter.Milliseconds()}
		for i := 0; i < len(got); i += 2 {
			ids = append(ids, got[i])
		}
		_ = m.scripts.gone.Run(ctx, m.rdb, members()[:1], ids...).Err()
	}
}
