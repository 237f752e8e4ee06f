package bucket

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// maxReads bounds the connections that reads of one bucket hold. Answers to slow clients hold theirs, so it is far
// above what a server needs, and below the usual limits on open files.
const maxReads = 8192

// idleConn is how long an unused connection is kept: servers close theirs after 20 s to a few minutes.
const idleConn = 20 * time.Second

// client sends signed GET and HEAD requests.
type client struct {
	endpoint    endpoint
	credentials *credentials
	signer      signer
	http        *fasthttp.HostClient
	slots       chan struct{}
	wait        time.Duration // for a slot
	signatures  sync.Pool     // of *signature
}

// ask is one read request. Empty fields are absent.
type ask struct {
	method, key, rangeValue, ifMatch string
}

func newClient(e endpoint, c *credentials, t Timeouts) *client {
	d := dialer{tls: e.tls, connect: t.Connect, first: t.FirstByte, stall: t.Stall}
	cl := &client{
		endpoint: e, credentials: c, signer: signer{region: e.region},
		slots: make(chan struct{}, maxReads), wait: t.FirstByte,
		http: &fasthttp.HostClient{
			Addr: e.dial, Name: "mirrorgate", IsTLS: e.tls != nil, DialTimeout: d.dialTimeout,
			MaxConns: maxReads + 1, MaxIdleConnDuration: idleConn, ConnPoolStrategy: fasthttp.LIFO,
			MaxIdemponentCallAttempts: 1, ReadBufferSize: 16 << 10,
			StreamResponseBody: true, DisablePathNormalizing: true,
		},
	}
	cl.signatures.New = func() any { return new(signature) }
	return cl
}

// do sends a and waits for the header of the answer. The caller gives the response to release. The deadline of ctx
// holds up to there; a body is bounded by the stall limit, and ended by release.
func (c *client) do(ctx context.Context, a ask) (*fasthttp.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cred, err := c.credentials.current(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	c.prepare(req, a, cred)
	if deadline, ok := ctx.Deadline(); ok {
		req.SetTimeout(max(time.Until(deadline), time.Millisecond))
	}
	if err := c.send(req, resp); err != nil {
		c.release(resp)
		return nil, err
	}
	return resp, nil
}

// send asks once more, on a fresh connection, when an idle connection turns out to be closed by the server. Among idle
// connections the last used is taken first, so all others are at least as stale.
func (c *client) send(req *fasthttp.Request, resp *fasthttp.Response) error {
	err := c.http.Do(req, resp)
	if err != nil && connOf(resp.LocalAddr()).stale(err) {
		c.http.CloseIdleConnections()
		err = c.http.Do(req, resp)
	}
	if err != nil && isTimeout(err) {
		return fmt.Errorf("no answer within %s (timeouts.first_byte): %w", c.wait, err)
	}
	return err
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// prepare writes and signs the request. The path goes out as it is signed: encoded once, nothing cleaned.
func (c *client) prepare(req *fasthttp.Request, a ask, cred *credential) {
	sig := c.signatures.Get().(*signature)
	defer c.signatures.Put(sig)
	sig.path = appendPath(append(sig.path[:0], c.endpoint.base...), a.key)

	req.Header.SetMethod(a.method)
	req.Header.SetHost(c.endpoint.host)
	req.SetRequestURIBytes(sig.path)
	req.URI().SetScheme(c.endpoint.scheme)
	req.Header.Set(fasthttp.HeaderAcceptEncoding, "identity")
	if a.rangeValue != "" {
		req.Header.Set(fasthttp.HeaderRange, a.rangeValue)
	}
	if a.ifMatch != "" {
		req.Header.Set(fasthttp.HeaderIfMatch, a.ifMatch)
	}
	if cred.access == "" {
		return
	}
	r := unsigned{method: a.method, host: c.endpoint.host, rangeValue: a.rangeValue, ifMatch: a.ifMatch, path: sig.path}
	c.signer.sign(sig, cred, r, time.Now())
	req.Header.Set("X-Amz-Content-Sha256", emptyPayload)
	req.Header.SetBytesV("X-Amz-Date", sig.date)
	if cred.token != "" {
		req.Header.Set("X-Amz-Security-Token", cred.token)
	}
	req.Header.SetBytesV(fasthttp.HeaderAuthorization, sig.authorization)
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

// release ends an answer. A body that was read to its end leaves the connection to others; any other closes it.
func (c *client) release(resp *fasthttp.Response) {
	resp.CloseBodyStream()
	fasthttp.ReleaseResponse(resp)
	<-c.slots
}
