// Charts over time. What they draw is also in their legend, in their label for screen readers, and as a table.

import { el, svg, swap } from "./dom.js";
import { area, line, swatch } from "./marks.js";
import { linear, logarithmic } from "./scale.js";

const left = 52; // pixels for the numbers at the axis
const below = 18;
const tableRows = 12;

// Chart draws points, each {at: milliseconds, values: {name: number or null}}. Options: title; stacked or lines; wide;
// height; format of a value, and unit in which it shows a maximum; least distance of two marks on the axis; log: a
// logarithmic axis; gap: milliseconds after which points are not joined; label: format of a time on the axis, from it
// and the newest.
export class Chart {
  #options;
  #points = [];
  #series = [];
  #cursor = null; // index of the point that is looked at; null: the newest
  #drawing;
  #legend = el("ul", { class: "legend" });
  #when = el("span", { class: "when" });
  #figures;

  constructor(options) {
    this.#options = { height: 190, format: String, gap: Infinity, label: relative, unit: () => 1, ...options };
    this.#drawing = svg("svg", { class: "drawing", role: "img", tabindex: 0 });
    this.#figures = el("details", { ontoggle: () => this.#tell() },
      el("summary", {}, "Figures"), el("div", { class: "scroll" }));
    this.node = el("figure", { class: options.wide ? "chart wide" : "chart", "aria-label": options.title },
      el("figcaption", {}, el("h3", {}, options.title), this.#when), this.#drawing, this.#legend, this.#figures);
    this.#listen();
  }

  draw(points, series) {
    this.#points = points;
    this.#series = series;
    if (this.#cursor !== null && this.#cursor >= points.length) this.#cursor = null;
    this.#paint();
    this.#tell();
  }

  #listen() {
    new ResizeObserver(() => this.#paint()).observe(this.#drawing);
    this.#drawing.addEventListener("pointermove", (e) => this.#look(this.#at(e.offsetX)));
    this.#drawing.addEventListener("pointerleave", () => this.#look(null));
    this.#drawing.addEventListener("blur", () => this.#look(null));
    this.#drawing.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (!step || this.#points.length === 0) return;
      e.preventDefault();
      const last = this.#points.length - 1;
      this.#look(Math.min(last, Math.max(0, (this.#cursor ?? last) + step)));
    });
  }

  #look(cursor) {
    this.#cursor = cursor;
    this.#paint();
    this.#tell();
  }

  #width() {
    return Math.max(120, this.#drawing.clientWidth || 300);
  }

  // The axis of time is as long as what there is to see, but at least a minute.
  #x(time) {
    const newest = this.#points.at(-1).at;
    const oldest = Math.min(this.#points[0].at, newest - 60_000);
    return left + ((this.#width() - left - 6) * (time - oldest)) / (newest - oldest);
  }

  #at(x) {
    let best = null;
    this.#points.forEach((p, i) => {
      if (best === null || Math.abs(this.#x(p.at) - x) < Math.abs(this.#x(this.#points[best].at) - x)) best = i;
    });
    return best;
  }

  #scale() {
    const height = this.#options.height - below - 6;
    const values = this.#points.flatMap((p) => this.#series.map((s) => p.values[s.name]).filter((v) => v > 0));
    if (this.#options.log) return logarithmic(values, height);
    const sums = this.#points.map((p) => this.#series.reduce((sum, s) => sum + (p.values[s.name] ?? 0), 0));
    const max = Math.max(0, ...(this.#options.stacked ? sums : values));
    return linear(max, height, { unit: this.#options.unit(max), least: this.#options.least });
  }

  #paint() {
    const { height, stacked } = this.#options;
    this.#drawing.setAttribute("height", height);
    if (this.#points.length === 0) {
      this.#drawing.replaceChildren(svg("text", { class: "tick", x: left, y: height / 2 }, "collecting…"));
      return;
    }
    const { ticks, y } = this.#scale();
    const place = (v) => 6 + y(v);
    this.#drawing.replaceChildren(...this.#grid(ticks, place), ...this.#times(),
      ...(stacked ? this.#areas(place) : this.#lines(place)), ...this.#mark());
  }

  #grid(ticks, y) {
    return ticks.flatMap((v) => [
      svg("line", { class: "grid", x1: left, x2: this.#width(), y1: y(v), y2: y(v) }),
      svg("text", { class: "tick", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, this.#options.format(v)),
    ]);
  }

  #times() {
    const newest = this.#points.at(-1).at;
    const oldest = Math.min(this.#points[0].at, newest - 60_000);
    const anchors = ["start", "middle", "end"];
    return [oldest, (oldest + newest) / 2, newest].map((time, i) => svg("text", {
      class: "tick", x: this.#x(time), y: this.#options.height - 3, "text-anchor": anchors[i],
    }, this.#options.label(time, newest)));
  }

  #areas(y) {
    const floor = this.#points.map(() => 0);
    return this.#series.flatMap((s) => {
      const bottom = this.#points.map((p, i) => `${this.#x(p.at)},${y(floor[i])}`);
      const top = this.#points.map((p, i) => `${this.#x(p.at)},${y((floor[i] += p.values[s.name] ?? 0))}`).join("L");
      return [area(s.mark, `M${top}L${bottom.reverse().join("L")}Z`), line(s.mark, `M${top}`)];
    }).reverse();
  }

  #lines(y) {
    return this.#series.map((s) => {
      let d = "";
      let last = -Infinity;
      for (const p of this.#points) {
        const v = p.values[s.name];
        if (v === null || v === undefined) continue;
        d += `${p.at - last > this.#options.gap ? "M" : "L"}${this.#x(p.at)},${y(v)}`;
        last = p.at;
      }
      return line(s.mark, d.replace(/^L/, "M"));
    });
  }

  #mark() {
    if (this.#cursor === null) return [];
    const x = this.#x(this.#points[this.#cursor].at);
    return [svg("line", { class: "cursor", x1: x, x2: x, y1: 0, y2: this.#options.height - below })];
  }

  // tell says in words what is drawn.
  #tell() {
    const point = this.#points[this.#cursor ?? this.#points.length - 1];
    const value = (p, s) => {
      const v = p?.values[s.name] ?? null;
      return v === null ? "–" : this.#options.format(v);
    };
    this.#when.textContent = point && this.#cursor !== null ? new Date(point.at).toLocaleString() : "";
    this.#drawing.setAttribute("aria-label", `${this.#options.title}: ` +
      (this.#series.map((s) => `${s.name} ${value(point, s)}`).join(", ") || "nothing yet"));
    swap(this.#legend, this.#series.map((s) => el("li", {}, swatch(s.mark, this.#options.stacked),
      el("span", {}, s.name), el("b", {}, value(point, s)))));
    if (this.#figures.open) this.#tabulate(value);
  }

  #tabulate(value) {
    const rows = this.#points.slice(-tableRows).reverse();
    const names = ["time", ...this.#series.map((s) => s.name)];
    const label = `${this.#options.title}: figures`;
    swap(this.#figures.lastElementChild, el("table", { class: "plain", "aria-label": label },
      el("thead", {}, el("tr", {}, names.map((n) => el("th", { scope: "col" }, n)))),
      el("tbody", {}, rows.map((p) => el("tr", {}, el("td", {}, new Date(p.at).toLocaleTimeString()),
        this.#series.map((s) => el("td", { class: "number" }, value(p, s))))))));
  }
}

function relative(time, newest) {
  const s = Math.round((newest - time) / 1000);
  if (s === 0) return "now";
  return s < 120 ? `−${s} s` : `−${Math.round(s / 6) / 10} min`;
}
