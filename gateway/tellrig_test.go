package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/cache/bucket"
	"mirrorgate/cache/writeback"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// patience is how long anything may take that is expected to happen.
const patience = 20 * time.Second

const tellConfig = `
server: {trusted_proxies: [127.0.0.1/32, 10.0.0.0/8]}
limits: {max_inflight: 50}
data_dir: ${DIR}/data
sites:
- name: site
  hosts: [site.test]
  bucket: {dir: "${DIR}/bucket"}
  rules:
  - {id: deny, mode: deny, match: {prefix: deny/}, deny: {status: 403}}
  - {id: go, mode: redirect, match: {prefix: go/}, origin: {primary: "${ORIGIN}"}, redirect: {store: false}}
  - {id: pass, mode: proxy, match: {prefix: pass/}, origin: {primary: "${ORIGIN}"}}
  - {id: pull, match: {prefix: pull/}, origin: {primary: "${ORIGIN}"}}
`

// large is the length of the origin's large object.
const large = 12 << 20

// told is a gateway, with what it tells of its requests.
type told struct {
	*gateway.Gateway
	addr    string
	answers chan gateway.Answered // of Options.Access
	watched chan gateway.Answered
	asked   chan struct{} // receives when the origin is asked for pull/held, which it answers when it is received
}

// serveTold runs a gateway with all its parts but that nothing is saved: what is pulled stays in the spool.
func serveTold(t *testing.T, fleet gateway.Fleet) *told {
	g := &told{answers: make(chan gateway.Answered, 1000), watched: make(chan gateway.Answered, 1000),
		asked: make(chan struct{})}
	cfg, dir := g.configure(t)
	spool, err := writeback.OpenSpool(cfg.DataDir, cfg.Spool, quiet())
	if err != nil {
		t.Fatal(err)
	}
	site := oneSite(t, cfg, filepath.Join(dir, "bucket"))
	store := cache.New(cfg.Limits.Limits, cfg.Memory, spool, quiet())
	keep := func(c chan gateway.Answered) func(*gateway.Answered) {
		return func(a *gateway.Answered) { c <- *a }
	}
	g.Gateway = gateway.New(gateway.Options{
		Config: cfg.Server, MaxInflight: cfg.Limits.MaxInflight, MinRate: cfg.Limits.MinRate, Sites: []*gateway.Site{site},
		Cache: store, Fleet: fleet, Ready: func() error { return nil }, Log: quiet(),
		Share: func(context.Context, cache.PeerAsk) (cache.PeerAnswer, error) {
			return cache.PeerAnswer{Outcome: cache.PeerHas, Body: io.NopCloser(strings.NewReader("x")), Length: 1}, nil
		},
		Access: keep(g.answers), Watch: keep(g.watched),
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Serve(ctx, ctx, ln) }()
	t.Cleanup(func() {
		stop()
		<-done
		_ = store.Drain(ctx)
		_ = spool.Close()
	})
	return g
}

func (g *told) configure(t *testing.T) (*configs.Config, string) {
	dir, from := t.TempDir(), httptest.NewServer(http.HandlerFunc(g.origin))
	t.Cleanup(from.Close)
	for name, body := range map[string]string{"b.txt": "bucket", "big.bin": strings.Repeat("b", 300<<10)} {
		name = filepath.Join(dir, "bucket", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := configs.Parse([]byte(tellConfig), func(name string) (string, bool) {
		return map[string]string{"DIR": dir, "ORIGIN": from.URL}[name], true
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg, dir
}

func oneSite(t *testing.T, cfg *configs.Config, dir string) *gateway.Site {
	b, err := bucket.NewDir(dir, "", quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
	})
	c := &cfg.Sites[0]
	site := &gateway.Site{
		Site: cache.Site{Name: c.Name, Bucket: b, Save: true}, Hosts: c.Hosts, Key: c.SetConfig,
		Rules:   rules.NewSet(c.SetConfig, c.RuleConfigs(), rules.Identity{LoopToken: "loop"}),
		Origins: make(map[string]gateway.Origin), NegativeTTL: time.Minute,
	}
	for _, r := range c.Rules {
		o, err := origin.New(r.Origin, origin.Options{Log: quiet(), Rule: r.ID})
		if err != nil {
			t.Fatal(err)
		}
		site.Origins[r.ID] = gateway.Origin{Origin: o, Answer: r.Origin.Timeouts.Answer, Stall: r.Origin.Timeouts.Stall}
	}
	return site
}

// origin answers as the path says.
func (g *told) origin(w http.ResponseWriter, r *http.Request) {
	switch _, name, _ := strings.Cut(r.URL.Path[1:], "/"); name {
	case "absent":
		http.NotFound(w, r)
	case "private":
		w.Header().Set("Cache-Control", "private")
		fmt.Fprint(w, "private")
	case "chunks", "chunks2":
		w.(http.Flusher).Flush()
		fmt.Fprint(w, "in chunks")
	case "cut":
		w.Header().Set("Content-Length", "10")
		fmt.Fprint(w, "cut")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case "failing":
		w.WriteHeader(http.StatusInternalServerError)
	case "dir":
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
	case "held":
		g.asked <- struct{}{}
		fmt.Fprint(w, "held")
	case "large":
		http.ServeContent(w, r, "large.bin", time.Unix(1, 0), bytes.NewReader(make([]byte, large)))
	default:
		fmt.Fprint(w, "sound")
	}
}

// say sends a request as it stands, and returns all that comes.
func (g *told) say(t *testing.T, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // a body that is cut off may end in a reset
	return string(answer)
}

func next(t *testing.T, from chan gateway.Answered) gateway.Answered {
	t.Helper()
	select {
	case a := <-from:
		return a
	case <-time.After(patience):
		t.Fatal("nothing was told")
		return gateway.Answered{}
	}
}

// eventually calls check again and again until it returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	end := time.After(patience)
	for err := check(); err != nil; err = check() {
		select {
		case <-end:
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
