package gateway

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// BenchmarkTell is what a hit of memory has to do to be counted, and nothing else of it.
func BenchmarkTell(b *testing.B) {
	g := New(Options{MaxInflight: 1})
	site := &Site{Site: cache.Site{Name: "site"}, Rules: rules.NewSet(rules.SetConfig{}, nil, rules.Identity{})}
	g.putInService(site)
	var ctx fasthttp.RequestCtx
	d := rules.Decision{ObjectKey: "images/a.jpg"}
	body, began := &residentBody{gateway: g}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		body.begin(&ctx, site, &d)
		body.answered.Began = began
		g.tell(body.tally, &body.answered)
		*body = residentBody{gateway: g}
	}
}
