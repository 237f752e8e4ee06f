package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/trace"

	"mirrorgate/cache"
)

// Bounds of what one request may send.
const (
	maxHeader   = 16 << 10         // bytes; above it: 431
	maxBody     = 64 << 10         // bytes of a body that nobody asked for; the connection is closed after it
	headerLimit = 10 * time.Second // for a request's header to arrive
)

// Gateway answers requests for its sites. Its methods may be called concurrently.
type Gateway struct {
	cfg     Config
	hosts   atomic.Pointer[hosts]
	cache   *cache.Cache
	fleet   Fleet // nil: a gateway on its own
	share   func(context.Context, cache.PeerAsk) (cache.PeerAnswer, error)
	log     *slog.Logger
	ready   func() error
	ids     requestIDs
	tallies *tallies
	began   time.Time // of the tallies
	trusted []netip.Prefix
	access  func(*Answered) // nil: not asked for
	watch   func(*Answered) // the same
	server  *fasthttp.Server
	traces  *traces // nil: none

	inflight atomic.Int64  // requests being answered
	most     int64         // limits.max_inflight
	minRate  int64         // limits.min_rate
	pace     pace          // of a client
	stall    time.Duration // clientStall
	stopping atomic.Bool
	hijacked sync.WaitGroup  // answers that fasthttp does not wait for
	life     context.Context // of bucket reads and proxied bodies; ends with Serve
	end      context.CancelFunc
}

// Options is what a Gateway stands on.
type Options struct {
	Config      Config
	MaxInflight int   // requests answered at one time; above: 503
	MinRate     int64 // bytes per second that clients and origins must move
	Sites       []*Site
	Cache       *cache.Cache
	Ready       func() error // why the gateway should get no traffic yet, or nil
	Log         *slog.Logger
	Tracer      trace.Tracer // nil: no request is traced

	// Fleet makes the gateway answer others on cache.PeerPath; nil: it is on its own. Share is what it answers them by;
	// nil: that of Cache.
	Fleet Fleet
	Share func(context.Context, cache.PeerAsk) (cache.PeerAnswer, error)

	// Access is told of every request that has been answered; nil: of none, and what only it needs is not made: ID on
	// the short way from memory, and all that a client says of itself. Watch is told of those for which an origin was
	// needed, or was missing (see watched). Both are called from the connection's goroutine, many at a time, and hold it
	// up.
	Access func(*Answered)
	Watch  func(*Answered)
}

// New returns a Gateway; it listens when Serve is called.
func New(o Options) *Gateway {
	// What is read for a request ends with the server rather than with the request: fasthttp does not tell when a
	// client leaves before its answer is written.
	life, end := context.WithCancel(context.Background())
	g := &Gateway{
		cfg: o.Config, cache: o.Cache, log: o.Log, ready: o.Ready, ids: newRequestIDs(),
		trusted: prefixes(o.Config.TrustedProxies), tallies: newTallies(), began: time.Now(),
		access: o.Access, watch: o.Watch,
		most: int64(o.MaxInflight), minRate: o.MinRate, pace: newPace(o.MinRate), stall: clientStall, life: life, end: end,
	}
	g.traces = newTraces(o.Tracer)
	if g.fleet, g.share = o.Fleet, o.Share; g.share == nil {
		g.share = g.cache.Share
	}
	g.Swap(o.Sites)
	g.server = &fasthttp.Server{
		Handler:               g.handle,
		ErrorHandler:          g.handleUnreadable,
		HeaderReceived:        closeBehindBody,
		ExpectHandler:         g.handleExpect,
		Logger:                quietLogger{o.Log},
		ReadTimeout:           headerLimit,
		IdleTimeout:           o.Config.IdleTimeout,
		ReadBufferSize:        maxHeader,
		WriteBufferSize:       sendBuffer,
		ReduceMemoryUsage:     readsAhead, // an idle connection holds no buffers
		MaxRequestBodySize:    maxBody,
		NoDefaultServerHeader: true,
		NoDefaultContentType:  true,
		CloseOnShutdown:       true,

		DisablePreParseMultipartForm: true,
	}
	return g
}

// putInService gives a site what belongs to the gateway rather than to its configuration.
func (g *Gateway) putInService(s *Site) {
	s.Ready = func(m *cache.Meta) any { return newReady(m, s.BucketValidators) }
	s.tallies = g.tallies.ofSite(s)
}

// Serve answers on ln until ctx ends, then stops accepting and waits for the answers under way, at most until grace
// ends. It closes ln.
func (g *Gateway) Serve(ctx, grace context.Context, ln net.Listener) error {
	defer g.end()
	failed := make(chan error, 1)
	clients := &listener{Listener: ln, pace: g.pace, stall: g.stall}
	defer clients.pipes.close()
	go func() { failed <- g.server.Serve(clients) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	g.stopping.Store(true)
	if err := errors.Join(g.server.ShutdownWithContext(grace), g.waitHijacked(grace)); err != nil {
		return fmt.Errorf("answers were cut off at the end of server.grace: %w", err)
	}
	_ = clients.Close() // a server that was not serving yet has not closed it, and would begin now
	return <-failed
}

// enter counts a request that is answered from now on, and tells whether limits.max_inflight allows it.
func (g *Gateway) enter() bool {
	if g.inflight.Add(1) <= g.most {
		return true
	}
	g.exit()
	return false
}

// exit says that it has been answered, to the end of its body.
func (g *Gateway) exit() { g.inflight.Add(-1) }

// waitHijacked waits for the answers that have taken over their connections.
func (g *Gateway) waitHijacked(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		g.hijacked.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Swap has requests from now on answered by other sites. What is under way goes on with the site that it began with.
func (g *Gateway) Swap(sites []*Site) {
	for _, s := range sites {
		g.putInService(s)
	}
	h := newHosts(sites)
	g.hosts.Store(&h)
}

// Site returns the site of a name, or nil. It is not to be changed.
func (g *Gateway) Site(name string) *Site { return g.hosts.Load().named(name) }

// Serves tells whether host is one of the gateway's own: an origin there would be the gateway itself.
func (g *Gateway) Serves(host string) bool { return g.hosts.Load().serves(host) }

// FindSite returns the site that answers for a Host header, or nil.
func FindSite(sites []*Site, host string) *Site { return newHosts(sites).find(host) }

// quietLogger takes fasthttp's own complaints, which are about clients that went away or sent nonsense.
type quietLogger struct{ log *slog.Logger }

func (l quietLogger) Printf(format string, args ...any) {
	l.log.Debug("connection", "err", fmt.Sprintf(format, args...))
}
