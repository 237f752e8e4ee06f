package origin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"

	"golang.org/x/time/rate"
)

// Config is how an origin is served. The zero value is fine.
type Config struct {
	Listen  string // host:port; "": a free port of 127.0.0.1
	TLS     bool   // with a certificate of its own for Hosts, localhost and the loopback addresses; HTTP/1.1 only
	Hosts   []string
	Rate    int64        // bytes per second that all connections share; 0: no limit
	Records int          // how many requests are remembered one by one; 0: 100,000
	Log     *slog.Logger // one line per answer; nil: none
}

// Server is a running origin. Its methods may be called from several goroutines.
type Server struct {
	c        Config
	listener net.Listener
	secure   *tls.Config // nil: plain
	cert     *x509.Certificate
	shared   *rate.Limiter
	ledger   *ledger
	holds    *holds
	routes   *routes

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Start runs an origin that ends with the test. Paths that name no fault fail the test.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := s.Problem(); err != nil {
			t.Errorf("the origin was asked for what it does not have: %v", err)
		}
	})
	return s
}

// New runs an origin until Close.
func New(c Config) (*Server, error) {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Records == 0 {
		c.Records = 100_000
	}
	s := &Server{
		c: c, ledger: newLedger(c.Records), holds: newHolds(), routes: newRoutes(), conns: map[net.Conn]struct{}{},
	}
	if c.Rate > 0 {
		s.shared = newShared(c.Rate)
	}
	if c.TLS {
		if err := s.certify(); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("fault origin: %w", err)
	}
	s.listener = listener
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.running.Go(s.accept)
	return s, nil
}

// newShared is a limit that a late timer does not make lower: what was not used for 20 ms may be caught up on.
func newShared(perSecond int64) *rate.Limiter {
	const slots, most = 50, 4 << 20
	return rate.NewLimiter(rate.Limit(perSecond), int(min(max(1, perSecond/slots), most)))
}

// Close ends all connections and returns when nothing runs any more. It may be called again.
func (s *Server) Close() {
	s.stop()
	_ = s.listener.Close() // the second time it is closed already
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close() // what matters is that reads and writes end
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if s.ctx.Err() == nil {
				s.ledger.note(fmt.Errorf("accept: %w", err))
			}
			return
		}
		if s.add(conn) {
			s.running.Go(func() {
				defer s.remove(conn)
				s.serve(conn)
			})
		}
	}
}

// add takes a connection on, unless the server is being closed.
func (s *Server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		_ = conn.Close() // nobody has seen it
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// Addr is host and port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is scheme, host and port, without a "/" at the end.
func (s *Server) URL() string {
	if s.secure != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// Certificate is the one to trust, or nil without TLS.
func (s *Server) Certificate() *x509.Certificate { return s.cert }
