package main

import (
	"context"

	"github.com/valyala/fasthttp"
)

// serveFloor answers with the object as fasthttp does it, and does nothing else: what no gateway that is made with
// fasthttp can go below.
func serveFloor(ctx context.Context, addr string) error {
	objects := make(map[string]object)
	for _, s := range sizes() {
		objects["/"+keyOf(s.bytes)] = newObject(s.bytes)
	}
	return serve(ctx, addr, 0, func(ctx *fasthttp.RequestCtx) {
		o, ok := objects[string(ctx.Path())]
		if !ok {
			refuse(ctx, fasthttp.StatusNotFound, "NoSuchKey")
			return
		}
		ctx.SetContentType("application/octet-stream")
		ctx.Response.SetBodyRaw(o.block)
	})
}
