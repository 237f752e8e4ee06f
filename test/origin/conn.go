package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// The most that is read of one request.
const (
	maxRequestHead = 1 << 20
	maxRequestBody = 64 << 20
)

// conn is one connection. One goroutine reads its requests, so that a client that leaves is noticed at once, another
// answers them one after the other.
type conn struct {
	s      *Server
	number int
	tcp    net.Conn
	net    net.Conn // tcp, or TLS over it
	ctx    context.Context
	wire   io.Writer
}

// incoming is a request that was read to its end.
type incoming struct {
	*http.Request
	bodySize int64
}

// serve answers a connection's requests until it ends.
func (s *Server) serve(tcp net.Conn) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	c := &conn{s: s, number: s.ledger.opened(), tcp: tcp, net: tcp, ctx: ctx}
	defer s.ledger.closed()
	if s.secure != nil {
		c.net = tls.Server(tcp, s.secure)
	}
	c.wire = counter{wire{ctx, c.net, s.shared}, s.ledger.wrote}
	requests := make(chan incoming)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(requests)
		defer cancel()
		c.read(requests)
	})
	for r := range requests {
		if end := c.answer(r); end != KeepAlive {
			c.close(end)
			break
		}
	}
	cancel()
	_ = tcp.Close() // after c.close for the second time
	reading.Wait()
}

// read reads requests until the client has left or the connection is closed here.
func (c *conn) read(requests chan<- incoming) {
	if secure, ok := c.net.(*tls.Conn); ok && secure.HandshakeContext(c.ctx) != nil {
		c.s.ledger.malformed()
		return
	}
	limited := &io.LimitedReader{R: c.net}
	from := bufio.NewReader(limited)
	for {
		limited.N = maxRequestHead
		if _, err := from.Peek(1); err != nil {
			return
		}
		r, err := http.ReadRequest(from)
		if err != nil {
			if !left(err) {
				c.s.ledger.malformed()
			}
			return
		}
		limited.N = maxRequestBody
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return
		}
		select {
		case requests <- incoming{r, n}:
		case <-c.ctx.Done():
			return
		}
	}
}

// left tells whether a read failed because there was no more to read.
func left(err error) bool {
	var failed *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &failed)
}

// answer answers one request and says what becomes of the connection.
func (c *conn) answer(in incoming) End {
	r := newRequest(c.ctx, in.Request)
	record := c.s.ledger.begin(r, c.number, in.bodySize)
	a := c.s.script(r)
	c.s.ledger.status(record, a.status())
	out := writer{
		ctx: c.ctx, w: c.wire,
		note: func(n int) { c.s.ledger.sent(record, n) },
		wait: func(stop Stop) error {
			c.s.ledger.stopped(r.Path, 1)
			defer c.s.ledger.stopped(r.Path, -1)
			return c.s.holds.wait(c.ctx, r.Path, stop)
		},
	}
	err := out.write(a)
	c.s.ledger.end(record, err)
	c.s.log(r, a, err)
	switch {
	case err != nil:
		return Drop
	case a.End == KeepAlive && r.closeConn:
		return Close
	default:
		return a.End
	}
}

// script makes the answer to a request.
func (s *Server) script(r *Request) *Answer {
	found, err := s.routes.find(r.Path, r.Query)
	if err != nil {
		s.ledger.note(err)
		a := Status(http.StatusBadRequest, "Connection: close", "X-Problem: "+err.Error())
		a.End = Close
		return a
	}
	r.Params, r.Object = found.params, found.object
	a := r.Sound()
	found.script(r, a)
	s.holds.apply(r, a)
	return a
}

func (s *Server) log(r *Request, a *Answer, err error) {
	if s.c.Log == nil {
		return
	}
	s.c.Log.Info("answered", "method", r.Method, "target", r.Target, "range", r.Header.Get("Range"), "number", r.Number,
		"line", a.Line, "error", err)
}
