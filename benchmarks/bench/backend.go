package main

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// bucketName is the name of the backend's only bucket. Peers ask without it, which makes no difference.
const bucketName = "bench"

// countPath is answered with the number of objects sent so far.
const countPath = "/-/objects"

// backend is a bucket that answers with as little work as possible, so that what is measured is who asks it: every
// object of keyOf and coldKey, whether the request is signed or not, and all but the largest from memory. All other
// keys are a small store, for a gateway that tries out at its start what its bucket can do.
type backend struct {
	objects sync.Map // by size: object
	sent    atomic.Int64
	store   *store
	date    string
}

// serveBackend serves until ctx ends. With a buffer, the kernel takes no more bytes that a client does not read.
func serveBackend(ctx context.Context, addr string, buffer int) error {
	b := &backend{store: newStore(), date: modified().Format(httpTime)}
	return serve(ctx, addr, buffer, b.answer)
}

const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// serve is a fasthttp server until ctx ends.
func serve(ctx context.Context, addr string, buffer int, handler fasthttp.RequestHandler) error {
	l, err := (&net.ListenConfig{Control: narrow(unix.SO_SNDBUF, buffer)}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	s := &fasthttp.Server{Handler: handler, NoDefaultServerHeader: true, Concurrency: 20_000}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.ShutdownWithContext(stopping) // clients that stay do not matter any more
		return nil
	}
}

func (b *backend) answer(ctx *fasthttp.RequestCtx) {
	target, query, _ := strings.Cut(string(ctx.Request.Header.RequestURI()), "?")
	if target == countPath {
		ctx.SetBodyString(strconv.FormatInt(b.sent.Load(), 10))
		return
	}
	size, ok := sizeOf(target[strings.LastIndexByte(target, '/')+1:])
	if ok && (ctx.IsGet() || ctx.IsHead()) {
		b.send(ctx, b.object(size))
		return
	}
	key, err := url.PathUnescape(strings.TrimPrefix(target, "/"+bucketName+"/"))
	values, malformed := url.ParseQuery(query)
	if err != nil || malformed != nil {
		refuse(ctx, fasthttp.StatusBadRequest, "InvalidURI")
		return
	}
	b.store.answer(ctx, key, values)
}

// object makes the object of that size when it is asked for first.
func (b *backend) object(size int64) object {
	if o, ok := b.objects.Load(size); ok {
		return o.(object)
	}
	o, _ := b.objects.LoadOrStore(size, newObject(size))
	return o.(object)
}

// send answers a GET or HEAD, of a range if one is asked for.
func (b *backend) send(ctx *fasthttp.RequestCtx, o object) {
	b.sent.Add(1)
	h := &ctx.Response.Header
	h.SetContentType("application/octet-stream")
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", b.date)
	h.Set("Accept-Ranges", "bytes")
	first, last := 0, int(o.size)-1
	if wanted := ctx.Request.Header.Peek("Range"); len(wanted) > 0 {
		var err error
		if first, last, err = fasthttp.ParseByteRange(wanted, int(o.size)); err != nil {
			refuse(ctx, fasthttp.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		h.SetContentRange(first, last, int(o.size))
		ctx.SetStatusCode(fasthttp.StatusPartialContent)
	}
	if o.size > maxWhole {
		ctx.Response.SetBodyStream(&part{o, int64(first), int64(last - first + 1)}, last-first+1)
		return
	}
	ctx.Response.SetBodyRaw(o.block[first : last+1]) // a HEAD has its length
}

// refuse writes an S3 error.
func refuse(ctx *fasthttp.RequestCtx, status int, code string) {
	ctx.Response.Reset()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/xml")
	ctx.SetBodyString(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code></Error>`)
}
