package bucket

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"golang.org/x/time/rate"
)

// dialer opens watched connections.
type dialer struct {
	tls                   *tls.Config // nil: plain TCP
	connect, first, stall time.Duration
	bandwidth             *rate.Limiter // nil: send as fast as it goes
}

// dial connects within d.connect, TLS included, and within what is left of ctx.
func (d dialer) dial(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	var nd net.Dialer
	tcp, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect within %s (timeouts.connect): %w", d.connect, err)
	}
	c := newConn(tcp, d.first, d.stall)
	var out net.Conn = c
	if d.bandwidth != nil {
		out = newPacedConn(c, d.bandwidth)
	}
	if d.tls == nil {
		return out, nil
	}
	secure := tls.Client(out, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		tcp.Close()
		return nil, fmt.Errorf("TLS handshake with %s: %w", addr, err)
	}
	c.requests.Store(0)
	c.awaiting.Store(false)
	return secure, nil
}

// dialTimeout is dial for fasthttp; a timeout of 0 is none.
func (d dialer) dialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx := context.Background()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return d.dial(ctx, addr)
}
