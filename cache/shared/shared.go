package shared

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mirrorgate/cache"
)

// Options is what a Fleet needs from the gateway.
type Options struct {
	Config  Config
	Member  string // this gateway's id: stable over restarts, nobody else's
	Version string // of the program
	Setup   string // a hash of the configuration, as far as all gateways should have the same

	// Saved is told of each object that another gateway has written into its bucket, and Doubt when such news may have
	// been missed. Purge is told that what is known of a site's objects is to be dropped, of all that begin with prefix.
	Saved func(cache.ID)
	Doubt func()
	Purge func(site, prefix string)

	// Waiting tells whether an object waits in this gateway's spool, and Each goes through all that do, until yield
	// returns false. Pull pulls an object again that a gateway which is gone had pulled and not saved; nil: the bucket has
	// it, its new body is committed to a spool, or there is nothing left to do. Without Pull such objects are left to
	// others.
	Waiting func(cache.ID) bool
	Each    func(yield func(cache.ID) bool)
	Pull    func(context.Context, cache.ID) error

	Log *slog.Logger

	patience time.Duration // 0: as it should be; tests that time nothing have more of it than a busy machine needs
}

// Fleet is this gateway's place among the others. All methods may be called concurrently.
type Fleet struct {
	o      Options
	link   *link
	names  names
	log    *slog.Logger
	scopes []byte // the key of what stands for scopes

	claims *redis.Script
	held   *held
	writer *writer

	tempo   tempo
	crew    *crew
	intents *intents
	places  *places // under limits of all gateways

	peers *peers
	peer  func(cache.ID, holder) cache.Peer // nil: this gateway cannot follow others

	proofs  proofs
	refused refusals // internal requests
}

var _ cache.Fleet = (*Fleet)(nil)

// New returns a Fleet. It does not wait for Redis, which may be away.
func New(o Options) (*Fleet, error) {
	if !isMember(o.Member) {
		return nil, fmt.Errorf("the member id %q is none: 1 to %d letters, digits and hyphens", o.Member, maxMember)
	}
	l, err := newLink(o.Config, cmp.Or(o.patience, patience), o.Log)
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		o: o, link: l, names: newNames(o.Config.Secret), log: o.Log, scopes: derive(o.Config.Secret, "scopes"),
		claims: redis.NewScript(claimScript),
		held:   newHeld(),
		proofs: newProofs(o.Config.Secret),
		tempo:  usualTempo(), crew: newCrew(o), intents: newIntents(),
		places: newPlaces(l),
	}
	f.writer = newWriter(l, teller{channel: f.names.drops(), member: o.Member, gap: f.newsGap})
	f.peers = newPeers(o.Config.Secret, f.stands)
	if f.proofs.known() {
		f.peer = func(id cache.ID, h holder) cache.Peer { return f.peers.peer(id, h.advertise, h.note) }
	}
	return f, nil
}

// Close ends a Fleet that does not run: one that is only asked.
func (f *Fleet) Close() error { return f.link.close() }

// Run keeps this gateway's notes, and listens to those of others, until ctx ends. Before it returns it gives back the
// leases that are still held.
func (f *Fleet) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { f.writer.run(ctx, f.renew, f.releaseAll) })
	running.Go(func() { f.listen(ctx) })
	running.Go(func() { f.probe(ctx) })
	running.Go(func() { f.runBeat(ctx) })
	running.Go(func() { f.runIntents(ctx) })
	running.Go(func() { f.renewPlaces(ctx) })
	running.Wait()
	f.peers.close()
	return f.link.close()
}
