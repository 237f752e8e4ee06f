package gateway

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// fromMemory answers a plain GET or HEAD of an object for which the bucket need not be asked, and tells whether it did.
// It is the walk in short, for the requests that are most: any that it does not fully understand goes the long way.
func (g *Gateway) fromMemory(ctx *fasthttp.RequestCtx) bool {
	h := &ctx.Request.Header
	if !g.cache.HasMemory() || !isPlain(h) {
		return false
	}
	target := h.RequestURI()
	site := g.hosts.Load().findPlain(h.Host())
	if site == nil || bytes.IndexByte(target, '#') >= 0 {
		return false
	}
	path, query, hasQuery := bytes.Cut(target, []byte("?"))
	if string(path) == g.cfg.HealthPath {
		return false
	}
	key, err := rules.Key(string(path), site.Key)
	if err != nil {
		return false
	}
	d := site.Rules.Decide(rules.Request{Key: key, Query: string(query), HasQuery: hasQuery})
	if d.Err != nil || d.Always {
		return false
	}
	resident := g.cache.Recall(&site.Site, d.ObjectKey, h.IsHead())
	if resident == nil {
		return false
	}
	if due(site, &d, &resident.Meta) && !g.cache.Checked(&site.Site, d.ObjectKey) || !g.enter() {
		resident.Release()
		return false
	}
	g.sendResident(ctx, site, &d, resident)
	return true
}

// isPlain tells whether a request is a GET or HEAD without a range, conditions or a body.
func isPlain(h *fasthttp.RequestHeader) bool {
	if !h.IsGet() && !h.IsHead() || hadBody(h) {
		return false
	}
	for name := range h.All() {
		if bytes.EqualFold(name, []byte("Range")) || len(name) > 3 && bytes.EqualFold(name[:3], []byte("If-")) {
			return false
		}
	}
	return true
}

// ready is what Site.Ready keeps with an object in memory: the header of an answer from there.
type ready struct {
	header fasthttp.ResponseHeader
	moves  bool // Expires depends on the time of the answer

	bucketValidators bool // the site's setting that the header shows
}

func newReady(m *cache.Meta, bucketValidators bool) *ready {
	r := &ready{bucketValidators: bucketValidators}
	r.header.SetNoDefaultContentType(true)
	r.header.DisableNormalizing()
	r.header.SetStatusCode(http.StatusOK)
	setFixed(&r.header)
	setObjectHeaders(&r.header, m, bucketValidators, time.Now())
	r.header.Set("Cache-Status", hitMemory)
	r.moves = movesExpires(m)
	return r
}

// sendResident answers with an object from memory, of which it takes over the caller's use.
func (g *Gateway) sendResident(ctx *fasthttp.RequestCtx, site *Site, d *rules.Decision, resident *cache.Resident) {
	h := &ctx.Response.Header
	r, ok := resident.Ready.(*ready)
	if !ok || r.bucketValidators != site.BucketValidators { // it was made before the site was changed
		r = newReady(&resident.Meta, site.BucketValidators)
	}
	r.header.CopyTo(h)
	if r.moves {
		h.Set("Expires", expires(&resident.Meta, time.Now()))
	}
	body := residentBodies.Get().(*residentBody)
	body.gateway, body.resident = g, resident
	body.client, _ = ctx.Conn().(*conn)
	g.ids.put(&body.id)
	h.SetBytesV("X-Request-Id", body.id[:])
	body.begin(ctx, site, d)
	if ctx.IsHead() {
		ctx.Response.SkipBody = true
		h.SetContentLength(int(resident.Meta.Size))
		_ = body.CloseWithError(nil)
		return
	}
	ctx.Response.SetBodyStream(body, len(resident.Body()))
}

// residentBody sends a body from memory.
type residentBody struct {
	gateway  *Gateway
	client   *conn // nil: not known
	id       requestID
	resident *cache.Resident
	sent     int

	answered Answered
	tally    *tally
}

// begin notes what is told of the request.
func (b *residentBody) begin(ctx *fasthttp.RequestCtx, site *Site, d *rules.Decision) {
	a := &b.answered
	a.Began, a.Site, a.Rule, a.Key = ctx.Time(), site.Name, d.RuleID(), d.ObjectKey
	a.Outcome, a.Status = OutcomeMemory, http.StatusOK
	b.tally = site.tally(d)
	if b.gateway.access != nil {
		a.ID = string(b.id[:])
		b.gateway.introduce(ctx, a)
	}
}

var residentBodies = sync.Pool{New: func() any { return new(residentBody) }}

func (b *residentBody) Read(p []byte) (int, error) {
	n := copy(p, b.resident.Body()[b.sent:])
	b.sent += n
	if b.sent == len(b.resident.Body()) {
		return n, io.EOF
	}
	return n, nil
}

// copiedFrom is the size of bodies from memory from which on their beginning is copied to go with the header, also
// where it has no room for all. For shorter ones the copy costs more than a write that is only the header, for longer
// ones less.
const copiedFrom = 192 << 10

// WriteTo hands the body to the connection: together with the header, if the writer has room for both.
func (b *residentBody) WriteTo(w io.Writer) (int64, error) {
	out, ok := w.(*bufio.Writer)
	if !ok {
		out = bufio.NewWriterSize(w, chunk)
	}
	n, err := b.writeTo(out)
	b.sent = int(taken(int64(n), out))
	return int64(n), err
}

func (b *residentBody) writeTo(out *bufio.Writer) (int, error) {
	body := b.resident.Body()
	if len(body) > out.Available() {
		b.answered.FirstByte = time.Since(b.answered.Began)
		if err := b.sendHead(out, len(body)); err != nil {
			return 0, err
		}
	}
	n, err := out.Write(body)
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}

// sendHead sends the header before a body that has no room beside it.
func (b *residentBody) sendHead(out *bufio.Writer, length int) error {
	if length >= copiedFrom {
		return nil
	}
	if b.client != nil && out.Buffered() > 0 {
		b.client.out.joinNext()
	}
	return out.Flush()
}

// CloseWithError is called by fasthttp once, when the body is written, or could not be.
func (b *residentBody) CloseWithError(err error) error {
	g := b.gateway
	b.resident.Release()
	g.exit()
	a := &b.answered
	if a.Bytes, a.Err = int64(b.sent), err; err != nil {
		g.brokeOff(string(b.id[:]), a.Site, a.Key, err)
	}
	g.tell(b.tally, a)
	*b = residentBody{}
	residentBodies.Put(b)
	return nil
}
