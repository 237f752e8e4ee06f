// Elements. Whatever comes from the API goes through here, and becomes text: nothing is ever read as HTML.

// el makes an element. Properties that begin with "on" are listeners, the others attributes; null and false leave one
// out. Children are nodes, or become text.
export function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// svg is el for drawings.
export function svg(tag, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : visible(value));
    }
  }
  node.append(...nodes(children));
  return node;
}

function nodes(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false)
    .map((c) => (c instanceof Node ? c : document.createTextNode(visible(c))));
}

// visible writes out the characters that would hide what a text says: control characters, and those that turn the
// direction of writing.
export function visible(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

// swap replaces what is in a node. The focus stays where it was, if there is an element with the same data-key again;
// what was unfolded stays so.
export function swap(root, ...children) {
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = new Set([...root.querySelectorAll("details[open][data-key]")].map((d) => d.dataset.key));
  root.replaceChildren(...nodes(children));
  for (const node of root.querySelectorAll("[data-key]")) {
    if (node.dataset.key === focused) node.focus({ preventScroll: true });
    if (node.tagName === "DETAILS" && open.has(node.dataset.key)) node.open = true;
  }
}

// link leads to a view of this page; its path is made of parts.
export function link(text, ...parts) {
  return el("a", { href: "#/" + parts.map(encodeURIComponent).join("/"), "data-key": "to " + parts.join("/") }, text);
}

// panel is a part of a view, with a heading.
export function panel(title, ...children) {
  return el("section", { class: "panel", "aria-label": title }, el("h2", {}, title), ...children);
}

// facts is a list of names and values. Those without a value are left out.
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return el("dl", { class: "facts" }, given.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

// tag is a word in a box, whose kind (good, warn, bad or plain) shows as a sign, too, not by its colour alone.
export function tag(text, kind = "plain") {
  const signs = { good: "✓ ", warn: "! ", bad: "✗ ", plain: "" };
  return el("span", { class: "tag " + kind }, el("span", { "aria-hidden": "true" }, signs[kind]), text);
}

// warning says what is wrong; nothing, if nothing is.
export function warning(text) {
  return text && el("p", { class: "alert" }, text);
}

// note says something on the side.
export function note(text) {
  return text && el("p", { class: "note" }, text);
}

// empty says why there is nothing to see.
export function empty(text) {
  return el("p", { class: "empty" }, text);
}

// key is the name of an object, or an address: no language, and of any length.
export function key(text) {
  return text && el("bdi", { class: "key" }, text);
}

export function buttons(...all) {
  return el("div", { class: "buttons" }, ...all);
}
