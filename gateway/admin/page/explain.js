// What a request would do, and what it really does.

import { action, readOnlyNote } from "./actions.js";
import { change, get } from "./api.js";
import { buttons, el, empty, facts, key, link, panel, swap, tag } from "./dom.js";
import { bytes, millis } from "./format.js";
import { mode } from "./sites.js";
import { table } from "./table.js";

export function explain(node) {
  const url = el("input", {
    id: "url", type: "url", required: true, placeholder: "http://assets.example.com/images/a.jpg",
    autocomplete: "off", spellcheck: "false",
  });
  const headers = el("textarea", { id: "headers", rows: 2, spellcheck: "false", placeholder: "Accept-Language: de" });
  const decision = el("div", { "aria-live": "polite" });
  const trial = el("div", { "aria-live": "polite" });
  const submit = (e) => {
    e.preventDefault();
    const asked = { url: url.value, header: lines(headers.value) };
    show(decision, () => get("explain", asked), drawDecision).catch(() => {}); // it has been shown
  };
  const tryIt = async () => {
    if (!form.reportValidity()) return "There is no URL to try.";
    const asked = { url: url.value, method: "GET", headers: Object.fromEntries(lines(headers.value).map(split)) };
    await show(trial, () => change("POST", "trial", asked), drawTrial);
    return "The gateway has answered.";
  };
  const form = el("form", { onsubmit: submit }, el("label", { for: "url" }, "URL"), url,
    el("details", {}, el("summary", {}, "Header fields of the request"),
      el("label", { for: "headers" }, "One a line, Name: value"), headers),
    buttons(el("button", { class: "primary" }, "Explain"), action({ label: "Try it: a real GET", run: tryIt })));
  swap(node, panel("Explain a request", el("p", {}, "What the gateway would do with a request, asking nobody. " +
    "Trying sends a real one to the gateway itself, which may pull and save the object."), readOnlyNote(), form),
  decision, trial);
  return () => {};
}

const lines = (text) => text.split("\n").map((l) => l.trim()).filter(Boolean);

function split(field) {
  const colon = field.indexOf(":");
  return colon < 0 ? [field, ""] : [field.slice(0, colon).trim(), field.slice(colon + 1).trim()];
}

async function show(node, ask, draw) {
  swap(node, empty("Asking the gateway…"));
  try {
    swap(node, draw(await ask()));
  } catch (e) {
    swap(node, el("p", { class: "alert", role: "alert" }, e.message));
    throw e;
  }
}

function drawDecision(d) {
  return panel("Decision", el("p", { class: "lead" }, d.answer), facts([
    ["Site", d.site && link(d.site, "sites", d.site)],
    ["Key", key(d.key)],
    ["Rule", d.rule && [link(d.rule, "sites", d.site, "rules", d.rule), " ", d.state && tag(d.state, "warn")]],
    ["Mode", d.mode && mode(d)],
    ["Location", key(d.location)],
    ["Stored as", d.stored_as],
    ["Saved", d.keep ? "yes, unless the origin's answer forbids it" : "no"],
    ["Why", d.why],
  ]), d.asks?.length > 0 && [el("h3", {}, "Asks, in this order"), el("ol", {}, d.asks.map(ask))],
  d.headers && [el("h3", {}, "With these header fields"), headerList(Object.entries(d.headers))]);
}

const ask = (a) => el("li", {}, `${a.role}: `, key(a.url));

function drawTrial(t) {
  const kind = t.error || t.status >= 500 ? "bad" : t.status >= 400 ? "warn" : "good";
  return panel("Trial", facts([
    ["Status", tag(String(t.status), kind)],
    ["Body", `${bytes(t.bytes)}${t.cut ? ", and more that was not read" : ""}`],
    ["The body broke off", t.error],
    ["First byte after", millis(t.first_byte_ms)],
    ["All after", millis(t.total_ms)],
    ["SHA-256", t.sha256 && el("code", {}, t.sha256)],
  ]), headerList(Object.entries(t.header ?? {}).flatMap(([name, values]) => values.map((v) => [name, v]))));
}

function headerList(fields) {
  return table("Header", [
    { name: "Field", cell: ([name]) => name },
    { name: "Value", cell: ([, value]) => key(value) },
  ], fields, "None.");
}
