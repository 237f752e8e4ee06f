package page

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
)

// Key presses a key on what has the focus: "ArrowLeft", "Tab".
func (p *Page) Key(name string) {
	p.t.Helper()
	down, up := input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp
	for _, kind := range []input.DispatchKeyEventType{down, up} {
		call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: name, Code: name})
	}
}

// Name waits until something has a name that begins so, and returns the whole of it.
func (p *Page) Name(role, begins string) string {
	p.t.Helper()
	return p.eventually(fmt.Sprintf(`[...document.querySelectorAll('[role=%q]')]
		.map((e) => e.getAttribute("aria-label") ?? "").find((name) => name.startsWith(%q)) ?? ""`, role, begins))
}

// Rows returns the texts of a table's cells, row by row, without its heading.
func (p *Page) Rows(table string) [][]string {
	p.t.Helper()
	p.Has("table", table)
	return Eval[[][]string](p, fmt.Sprintf(`[...document.querySelectorAll("table")]
		.filter((t) => t.getAttribute("aria-label") === %q).flatMap((t) => [...t.tBodies[0].rows])
		.map((row) => [...row.cells].map((cell) => cell.textContent.trim()))`, table))
}

// Wide returns how much wider than the window the page is, and what sticks out.
func (p *Page) Wide() string {
	p.t.Helper()
	return Eval[string](p, `(() => {
		const wide = document.documentElement.scrollWidth - innerWidth;
		if (wide <= 0) return "";
		const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
		return wide + " pixels: " + out.slice(0, 5).map((e) => e.outerHTML.slice(0, 90)).join("; ");
	})()`)
}

// Faint lists texts whose contrast with what is behind them is below 4.5 (WCAG 2, level AA), except those of what
// cannot be pressed, for which there is no bound. checked is how many texts were looked at.
func (p *Page) Faint() (faint []string, checked int) {
	p.t.Helper()
	found := Eval[struct {
		Faint   []string `json:"faint"`
		Checked int      `json:"checked"`
	}](p, contrast)
	return found.Faint, found.Checked
}

// contrast computes the ratio of WCAG 2 for every text that is shown.
const contrast = `(() => {
	const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgba = (color) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data];
	};
	const over = (top, below) => [0, 1, 2].map((i) => (top[i] * top[3] + below[i] * (255 - top[3])) / 255).concat(255);
	const ground = (e) => {
		if (!e) return [255, 255, 255, 255];
		const own = rgba(getComputedStyle(e).backgroundColor);
		return own[3] === 255 ? own : over(own, ground(e.parentElement));
	};
	const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
		const v = c[i] / 255;
		return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	}, 0);
	const result = { faint: [], checked: 0 };
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		const seen = texts.currentNode.data.trim() && e.checkVisibility({ visibilityProperty: true });
		if (!seen || e.closest(":disabled, noscript")) continue;
		const style = getComputedStyle(e);
		const behind = ground(e);
		const color = over(rgba(e instanceof SVGElement ? style.fill : style.color), behind);
		const [light, dark] = [luminance(color), luminance(behind)].sort((a, b) => b - a);
		const ratio = (light + 0.05) / (dark + 0.05);
		result.checked++;
		if (ratio < 4.5) result.faint.push(ratio.toFixed(2) + " " + texts.currentNode.data.trim().slice(0, 60));
	}
	return result;
})()`
