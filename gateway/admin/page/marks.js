// How series are told apart: each mark is a colour (in app.css), a pattern for areas and a dash for lines. None of
// the three is needed to read the other two.

import { svg } from "./dom.js";

const tile = 8;
const patterns = [
  "", // plain
  "M-2,2l4,-4M0,8l8,-8M6,10l4,-4",
  "M2,2h2v2h-2zM6,6h2v2h-2z",
  "M0,4h8",
  "M4,0v8",
  "M0,0l8,8M8,0l-8,8",
  "M-2,6l4,4M0,0l8,8M6,-2l4,4",
  "M0,4h8M4,0v8",
];
const dashes = ["", "7 3", "2 3", "10 3 2 3", "5 2", "9 2 2 2 2 2", "4 3", "1 3"];

// definitions belongs into the page once: the patterns that the areas are filled with.
export function definitions() {
  return svg("svg", { class: "definitions", width: 0, height: 0, "aria-hidden": "true" },
    svg("defs", {}, patterns.map((d, mark) =>
      svg("pattern", { id: `pattern${mark}`, width: tile, height: tile, patternUnits: "userSpaceOnUse" },
        svg("rect", { class: `mark${mark} ground`, width: tile, height: tile }),
        svg("path", { class: "grain", d })))));
}

export function area(mark, d) {
  return svg("path", { class: "area", d, fill: `url(#pattern${mark})` });
}

export function line(mark, d) {
  return svg("path", { class: `line mark${mark}`, d, "stroke-dasharray": dashes[mark] || null });
}

// swatch is what a legend shows of a mark.
export function swatch(mark, stacked) {
  const box = () => svg("rect", { width: 22, height: 12, rx: 2, fill: `url(#pattern${mark})` });
  const shape = stacked ? box() : line(mark, "M0,6H22");
  return svg("svg", { class: "swatch", width: 22, height: 12, "aria-hidden": "true" }, shape);
}
