package gateway

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// An Expires that moves does so also when memory got the object in the very second of the origin's answer, in which the
// two are equal.
func TestExpiresFromMemoryMoves(t *testing.T) {
	f := func(cacheControl string, moves bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			in := func(d time.Duration) string { return time.Now().UTC().Add(d).Format(http.TimeFormat) }
			m := cache.Meta{Expires: in(time.Hour), CacheControl: cacheControl}
			m.Origin = cache.Provenance{Time: time.Now(), Lifetime: time.Hour}
			resident := &cache.Resident{Meta: m, Ready: newReady(&m, false)}
			<-time.After(30 * time.Minute)
			want := in(time.Hour)
			if !moves {
				want = in(30 * time.Minute)
			}
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetMethod(http.MethodHead)
			g := New(Options{MaxInflight: 1})
			site := &Site{Rules: rules.NewSet(rules.SetConfig{}, nil, rules.Identity{})}
			g.putInService(site)
			g.sendResident(&ctx, site, new(rules.Decision), resident)
			if got := string(ctx.Response.Header.Peek("Expires")); got != want {
				t.Errorf("Cache-Control %q: Expires is %q, want %q", cacheControl, got, want)
			}
		})
	}
	f("", true)
	f("public", true)
	f("max-age=60", false)
}
