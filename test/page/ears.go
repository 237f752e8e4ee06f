package page

import (
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// ears collect what a person would not see. They are told from the browser's own goroutine.
type ears struct {
	mu    sync.Mutex
	wrong []string
	asked int
}

func (p *Page) heard(event any) {
	p.ears.mu.Lock()
	defer p.ears.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.ears.asked++
		if at, err := url.Parse(e.Request.URL); err != nil || at.Scheme != "data" && at.Host != p.host {
			p.note("asked another host: %s", e.Request.URL)
		}
	case *log.EventEntryAdded:
		p.heardLog(e.Entry)
	case *runtime.EventExceptionThrown:
		p.note("uncaught: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		p.note("the console was written to: %s", e.Type)
	case *page.EventJavascriptDialogOpening:
		p.note("a dialog opened: %s", e.Message)
	}
}

// heardLog notes what the browser complains of, but not that the API said no: that is what tests make it do.
func (p *Page) heardLog(e *log.Entry) {
	refused := e.Source == "network" && strings.Contains(e.URL, "/api/v1/")
	if e.Level != "verbose" && e.Level != "info" && !refused {
		p.note("%s %s: %s %s", e.Source, e.Level, e.Text, e.URL)
	}
}

func (p *Page) note(format string, args ...any) {
	p.ears.wrong = append(p.ears.wrong, fmt.Sprintf(format, args...))
}

// check fails the test if something was heard, or nothing at all was.
func (p *Page) check() {
	p.t.Helper()
	p.ears.mu.Lock()
	defer p.ears.mu.Unlock()
	for _, wrong := range p.ears.wrong {
		p.t.Errorf("the page: %s", wrong)
	}
	if p.ears.asked == 0 {
		p.t.Error("no request of the page was seen: who listens hears nothing")
	}
}

func (p *Page) resolve(node cdp.BackendNodeID) (runtime.RemoteObjectID, error) {
	result, err := try(p, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: node})
	if err != nil {
		return "", err
	}
	return result.Object.ObjectID, nil
}
