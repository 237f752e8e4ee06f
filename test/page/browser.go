package page

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"mirrorgate/test/harness"
)

// patience bounds every wait. It is long because machines that test are busy.
const patience = 40 * time.Second

// Browser is a running Chromium with a profile of its own. It ends with the test.
type Browser struct{ ctx context.Context }

// Start runs Chromium. Only root, as in a container, runs it without its sandbox: it cannot have one then.
func Start(t testing.TB) *Browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(harness.Binary(t, "chromium")),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		stop()
		stopAllocator()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return &Browser{ctx}
}

// Option changes how a page is opened.
type Option func(*options)

type options struct {
	width, height int64
	scheme        string
	hurry         bool
}

// Phone is a small phone.
func Phone(o *options) { o.width, o.height = 360, 740 }

// Dark is a person who likes dark pages.
func Dark(o *options) { o.scheme = "dark" }

// Hurry makes the page's timers a hundred times as fast, so that its charts fill.
func Hurry(o *options) { o.hurry = true }

// Open opens the page that a listener serves in a new tab that shares nothing with others. When the test ends, it fails
// if anything was wrong that a person might not see: see Page.check.
func (b *Browser) Open(t testing.TB, base string, opts ...Option) *Page {
	t.Helper()
	o := options{width: 1280, height: 900, scheme: "light"}
	for _, opt := range opts {
		opt(&o)
	}
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	host, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{t: t, ctx: ctx, base: base, host: host.Host}
	t.Cleanup(func() {
		if t.Failed() {
			p.Shot("failed-" + t.Name())
			t.Logf("the page shows:\n%s", p.text())
		}
		stop()
		p.check()
	})
	p.prepare(o)
	p.Go("#/")
	return p
}

func (p *Page) prepare(o options) {
	p.t.Helper()
	// Not with a deadline: the tab would end with it.
	if err := errors.Join(chromedp.Do(p.ctx), chromedp.Listen(p.ctx, p.heard)); err != nil {
		p.t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: o.scheme}}})
	p.do(chromedp.EmulateViewport(o.width, o.height))
	if o.hurry {
		call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `const timers = setTimeout; globalThis.setTimeout = (f, ms) => timers(f, ms / 100)`})
	}
}

// Artefacts is the folder for what people look at after a test: MIRRORGATE_ARTEFACTS, or one in .cache/test.
func Artefacts(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MIRRORGATE_ARTEFACTS")
	if dir == "" {
		root, err := harness.Root()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(root, ".cache", "test", "page")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
