package gateway

import (
	"net"

	"github.com/valyala/fasthttp"
)

// closeDelimited answers an HTTP/1.0 client with a body of unknown length: it knows no chunks, so the end of the
// connection is the end of the body (RFC 9112 section 6.3). A body that breaks off ends in a reset, so that it does not
// look complete.
func closeDelimited(ctx *fasthttp.RequestCtx, body *stream) {
	ctx.SetConnectionClose()
	h := &ctx.Response.Header
	h.SetContentLength(-2) // neither a length nor chunks
	head := append([]byte(nil), h.Header()...)
	under, _ := ctx.Conn().(*conn)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) {
		_, err := c.Write(head)
		if err == nil {
			_, err = body.WriteTo(c)
		}
		if err != nil && under != nil {
			_ = under.SetLinger(0)
		}
		_ = body.CloseWithError(err)
	})
}
