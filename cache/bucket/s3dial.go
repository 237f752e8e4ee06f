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
	connect, first, stall time.Duration
	tls                   *tls.Config   // of reads; nil: plain TCP
	bandwidth             *rate.Limiter // of writes; nil: send as fast as it goes
}

// dial opens a connection for writes, over which the caller may speak TLS.
func (d dialer) dial(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	tcp, err := d.tcp(ctx, addr)
	if err != nil {
		return nil, err
	}
	c := newConn(tcp, d.first, d.stall)
	if d.bandwidth != nil {
		return newPacedConn(c, d.bandwidth), nil
	}
	return c, nil
}

// dialRead opens a connection for reads within d.connect, TLS included, and within what is left of ctx.
func (d dialer) dialRead(ctx context.Context, addr string) (*readConn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	tcp, err := d.tcp(ctx, addr)
	if err != nil {
		return nil, err
	}
	c := &readConn{first: d.first, stall: d.stall, tcp: &quietConn{TCPConn: tcp}}
	c.Conn = c.tcp
	if d.tls == nil {
		c.raw = newRawConn(tcp)
		return c, nil
	}
	secure := tls.Client(c.tcp, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		tcp.Close()
		return nil, fmt.Errorf("TLS handshake with %s: %w", addr, err)
	}
	c.Conn = secure
	return c, nil
}

// tcp connects within ctx, which has d.connect.
func (d dialer) tcp(ctx context.Context, addr string) (*net.TCPConn, error) {
	var nd net.Dialer
	c, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect within %s (timeouts.connect): %w", d.connect, err)
	}
	return c.(*net.TCPConn), nil
}
