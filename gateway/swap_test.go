package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"mirrorgate/cache"
	"mirrorgate/rules"
)

// From a swap on a host is another site's, and the loop check of redirects follows.
func TestSwap(t *testing.T) {
	site := func(name string, hosts ...string) *Site {
		return &Site{Site: cache.Site{Name: name}, Hosts: hosts, Rules: new(rules.Set)}
	}
	g := New(Options{})
	f := func(host, name string, serves bool) {
		t.Helper()
		found := ""
		if s := g.hosts.Load().find(host); s != nil {
			found = s.Name
		}
		if got := g.Serves(host); found != name || got != serves {
			t.Errorf("%s: site %q, served %v", host, found, got)
		}
	}
	g.Swap([]*Site{site("one", "a.example.com", "b.example.com"), site("other", "*")})
	f("a.example.com", "one", true)
	f("c.example.com", "other", false)
	g.Swap([]*Site{site("other", "a.example.com"), site("wild", "*.example.com")})
	f("a.example.com", "other", true)
	f("c.example.com", "wild", true)
	f("example.com", "", false)
}

// What memory holds has its header made by the setting of its time: no answer shows it once the setting is another.
func TestHeadersFromMemoryFollowValidators(t *testing.T) {
	m := cache.Meta{Bucket: cache.Validators{ETag: `"bucket"`}}
	m.Origin = cache.Provenance{Validators: cache.Validators{ETag: `"origin"`}, Time: time.Now()}
	f := func(made, now bool, want string) {
		t.Helper()
		resident := &cache.Resident{Meta: m, Ready: newReady(&m, made)}
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetMethod(http.MethodHead)
		g := New(Options{MaxInflight: 1})
		site := &Site{BucketValidators: now, Rules: new(rules.Set)}
		g.putInService(site)
		g.sendResident(&ctx, site, new(rules.Decision), resident)
		if got := string(ctx.Response.Header.Peek("ETag")); got != want {
			t.Errorf("made %v, now %v: ETag is %q, want %q", made, now, got, want)
		}
	}
	f(false, false, `"origin"`)
	f(false, true, `"bucket"`)
	f(true, false, `"origin"`)
	f(true, true, `"bucket"`)
}
