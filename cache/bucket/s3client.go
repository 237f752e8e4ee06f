package bucket

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxReads bounds the connections that reads of one bucket hold. Answers to slow clients hold theirs, so it is far
// above what a server needs, and below the usual limits on open files.
const maxReads = 8192

// client sends signed requests that have no body.
type client struct {
	endpoint    endpoint
	credentials *credentials
	signer      signer
	dialer      dialer
	pool        pool
	slots       chan struct{} // of connections in use
	wait        time.Duration // for a slot
	spare       chan *exchange
}

// maxSpare bounds the exchanges that wait for another request. Each takes about 8 KiB.
const maxSpare = 256

func newClient(e endpoint, c *credentials, t Timeouts) *client {
	return &client{
		endpoint: e, credentials: c, signer: signer{region: e.region},
		dialer: dialer{tls: e.tls, connect: t.Connect, first: t.FirstByte, stall: t.Stall},
		slots:  make(chan struct{}, maxReads), wait: t.FirstByte, spare: make(chan *exchange, maxSpare),
	}
}

// begin gives an exchange, and reuse takes it back.
func (c *client) begin() *exchange {
	select {
	case x := <-c.spare:
		return x
	default:
		return &exchange{client: c}
	}
}

func (c *client) reuse(x *exchange) {
	select {
	case c.spare <- x:
	default:
	}
}

// do sends a and waits for the header of the answer. The caller ends the exchange. The deadline of ctx holds up to
// there; a body is bounded by the stall limit.
func (c *client) do(ctx context.Context, a ask) (*exchange, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cred, err := c.credentials.current(ctx)
	if err != nil {
		return nil, err
	}
	x := c.begin()
	if err := c.prepare(x, a, cred, time.Now()); err != nil {
		c.reuse(x)
		return nil, err
	}
	if err = c.acquire(ctx); err == nil {
		if err = c.send(ctx, x); err == nil {
			return x, nil
		}
		<-c.slots
	}
	c.reuse(x)
	return nil, err
}

// send asks over an idle connection, and once more, over a fresh one, when the server turns out to have closed it.
func (c *client) send(ctx context.Context, x *exchange) error {
	for {
		conn := c.pool.take(x.began)
		if conn == nil {
			break
		}
		err := x.over(ctx, conn)
		if err == nil {
			return nil
		}
		if errors.Is(err, errUnsent) {
			continue
		}
		if !x.stale(err) {
			return c.explain(err)
		}
		c.pool.closeIdle() // they are at least as stale
		break
	}
	conn, err := c.dialer.dialRead(ctx, c.endpoint.dial)
	if err != nil {
		return err
	}
	return c.explain(x.over(ctx, conn))
}

func (c *client) explain(err error) error {
	if err != nil && isTimeout(err) {
		return fmt.Errorf("no answer within %s (timeouts.first_byte): %w", c.wait, err)
	}
	return err
}

// acquire takes a slot, waiting for one no longer than for an answer.
func (c *client) acquire(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(c.wait)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("all %d connections to the bucket are busy", maxReads)
	}
}

// letGo ends the use of a connection: it is kept for others, or closed.
func (c *client) letGo(conn *readConn, now time.Time, keep bool) {
	if keep {
		c.pool.put(conn, now)
	} else {
		_ = conn.Close() // nobody wants to know how
	}
	<-c.slots
}
