// Package page opens the dashboard in a headless Chromium and uses it as a person does: it finds things by the role and
// name that a screen reader would tell, reads the text that is shown, clicks and types. It knows no handler: the
// dashboard may be that of a test's own API or of the real program.
//
// What it waits for it waits for with an end. Whatever a person would not see, such as an error in the console, a
// violation of the page's policy, or a request to another host, fails the test that opened the page.
package page

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"mirrorgate/test/harness"
)

// Page is the dashboard in a tab. It belongs to the test's own goroutine.
type Page struct {
	t    testing.TB
	ctx  context.Context
	base string // of the listener, http://127.0.0.1:9090
	host string
	ears ears
}

// Go opens a view, such as #/queue.
func (p *Page) Go(hash string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + "/" + hash))
}

// Reload opens the view that is shown anew, as a person who presses F5.
func (p *Page) Reload() {
	p.t.Helper()
	p.do(chromedp.Reload())
}

func (p *Page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// call sends one command of the browser's protocol.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := try(p, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

func try[P, R any](p *Page, command cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Call(ctx, command, params)
}

// Eval runs an expression in the page.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%.80s: %v", expression, err)
	}
	return v
}

// Nothing is what an expression without a value evaluates to.
type Nothing = chromedp.Void

// Await waits for a promise of the page.
func Await(p *Page, promise string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[Nothing](promise, chromedp.EvalAwaitPromise)); err != nil {
		p.t.Fatalf("%.80s: %v", promise, err)
	}
}

func (p *Page) text() string {
	p.t.Helper()
	return Eval[string](p, `document.body.innerText`)
}

// See waits until all of these texts are shown.
func (p *Page) See(texts ...string) {
	p.t.Helper()
	harness.Eventually(p.t, patience, func() error {
		shown := p.text()
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				return fmt.Errorf("%q is not shown", text)
			}
		}
		return nil
	})
}

// Gone waits until a text is not shown any more.
func (p *Page) Gone(text string) {
	p.t.Helper()
	harness.Eventually(p.t, patience, func() error {
		if strings.Contains(p.text(), text) {
			return fmt.Errorf("%q is shown", text)
		}
		return nil
	})
}

// find returns what has a role and a name; it is an error if nothing has.
func (p *Page) find(role, name string) (runtime.RemoteObjectID, error) {
	document, err := try(p, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return "", err
	}
	found, err := try(p, accessibility.QueryAXTree,
		accessibility.QueryAXTreeParams{ObjectID: document.Result.ObjectID, Role: role, AccessibleName: name})
	if err != nil {
		return "", err
	}
	for _, node := range found.Nodes {
		if !node.Ignored {
			return p.resolve(node.BackendDOMNodeID)
		}
	}
	return "", fmt.Errorf("there is no %s %q", role, name)
}

// on calls a function of the page's language on what has a role and a name, again until it returns "".
func (p *Page) on(role, name, function string) {
	p.t.Helper()
	harness.Eventually(p.t, patience, func() error {
		object, err := p.find(role, name)
		if err != nil {
			return err
		}
		result, err := try(p, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
			ObjectID: object, FunctionDeclaration: function, ReturnByValue: new(true)})
		if err != nil {
			return err
		}
		if said := strings.Trim(string(result.Result.Value), `"`); said != "" {
			return fmt.Errorf("%s %q: %s", role, name, said)
		}
		return nil
	})
}

// Has waits until there is something with this role and name.
func (p *Page) Has(role, name string) {
	p.t.Helper()
	p.on(role, name, `function() { return "" }`)
}

// Click clicks what has the role and name, when it is there, enabled, and not behind something else.
func (p *Page) Click(role, name string) {
	p.t.Helper()
	p.on(role, name, `function() {
		this.scrollIntoView({ block: "center" });
		const at = this.getBoundingClientRect();
		const hit = document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2);
		if (!hit || !this.contains(hit) && !hit.contains(this)) return "is behind " + hit?.outerHTML.slice(0, 80);
		if (this.disabled) return "is disabled";
		this.focus();
		this.click();
		return "";
	}`)
}

// Focus puts the focus on what has the role and name, as the Tab key does.
func (p *Page) Focus(role, name string) {
	p.t.Helper()
	p.on(role, name, `function() {
		this.focus({ focusVisible: true });
		return document.activeElement === this ? "" : "has no focus";
	}`)
}

// Disabled waits until what has the role and name cannot be pressed.
func (p *Page) Disabled(role, name string) {
	p.t.Helper()
	p.on(role, name, `function() { return this.disabled ? "" : "is enabled" }`)
}

// Type replaces what is in a text box.
func (p *Page) Type(name, text string) {
	p.t.Helper()
	p.on("textbox", name, `function() {
		this.focus();
		this.select();
		return document.activeElement === this ? "" : "has no focus";
	}`)
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// Holds waits until a text box holds a text.
func (p *Page) Holds(name, text string) {
	p.t.Helper()
	p.on("textbox", name, fmt.Sprintf(`function() { return this.value.includes(%q) ? "" : "holds " + this.value }`, text))
}

// eventually waits until an expression is a text that is not empty, and returns it.
func (p *Page) eventually(expression string) string {
	p.t.Helper()
	var text string
	harness.Eventually(p.t, patience, func() error {
		if text = Eval[string](p, expression); text == "" {
			return fmt.Errorf("%.120s is empty", expression)
		}
		return nil
	})
	return text
}

// Shot writes what the whole page looks like to Artefacts, for people.
func (p *Page) Shot(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		name = strings.NewReplacer("/", "-", " ", "-").Replace(name) + ".png"
		err = os.WriteFile(filepath.Join(Artefacts(p.t), name), png, 0o644)
	}
	if err != nil {
		p.t.Error(errors.Join(errors.New("no screenshot"), err))
	}
}
