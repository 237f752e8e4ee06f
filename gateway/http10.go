package gateway

import (
	"net"

	"github.com/valyala/fasthttp"
)

// closeDelimited answers an HTTP/1.0 client with a body of unknown length: it knows no chunks, so the end of the
// connection is the end of the body (RFC 9112 section 6.3). Whatever ends the connection before the proven end, be it a
// failure or the end of the process, ends it with a reset, so that the body does not look complete.
//
// fasthttp may close a connection that was to be hijacked without calling the handler; then closing it ends the body.
func (g *Gateway) closeDelimited(ctx *fasthttp.RequestCtx, body *stream) {
	ctx.SetConnectionClose()
	h := &ctx.Response.Header
	h.SetContentLength(-2) // neither a length nor chunks
	head := append([]byte(nil), h.Header()...)
	under, ok := ctx.Conn().(*conn)
	if !ok {
		_ = body.CloseWithError(net.ErrClosed)
		return
	}
	g.hijacked.Add(1)
	body.after = g.hijacked.Done
	under.atClose(func() { _ = body.CloseWithError(net.ErrClosed) })
	under.lingers.Store(false) // that begins with a clean end
	_ = under.SetLinger(0)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		_, err := c.Write(head)
		if err == nil {
			_, err = body.WriteTo(c)
		}
		if err == nil {
			err = under.SetLinger(-1) // the end is proven: a clean close
		}
		_ = body.CloseWithError(err)
	})
}
