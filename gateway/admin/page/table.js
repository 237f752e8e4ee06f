import { el, empty } from "./dom.js";

// table shows rows, or says why there are none. A column has a name, a cell function, and may be number or tight: its
// words are short, and not broken. The roles are written out because on a phone the style makes cards of the rows,
// unless the table is of another kind, and with that the implied ones are lost.
export function table(caption, columns, rows, none, kind = "cards") {
  if (!rows?.length) return empty(none);
  return el("table", { role: "table", "aria-label": caption, class: kind },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map(heading))),
    el("tbody", { role: "rowgroup" }, rows.map((row) => el("tr", { role: "row" }, columns.map((c) => cell(c, row))))));
}

function heading(column) {
  return el("th", { role: "columnheader", scope: "col", class: kinds(column) }, column.name);
}

function cell(column, row) {
  const value = column.cell(row);
  const blank = value === null || value === undefined || value === "" || Array.isArray(value) && value.length === 0;
  return el("td", { role: "cell", "data-label": column.name, class: kinds(column, blank) },
    el("span", { class: "value" }, value));
}

function kinds(column, blank) {
  return [column.number && "number", column.tight && "tight", blank && "blank"].filter(Boolean).join(" ") || null;
}
