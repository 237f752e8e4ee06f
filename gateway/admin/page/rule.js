// One rule: how it did over time, what still needs its origin, and its switches.

import { action, readOnlyNote } from "./actions.js";
import { change, get, path } from "./api.js";
import { Chart } from "./chart.js";
import { buttons, el, empty, facts, key, link, panel, swap } from "./dom.js";
import { ago, bytes, count, short } from "./format.js";
import { live } from "./live.js";
import { mode, ruleState, share } from "./sites.js";
import { table } from "./table.js";

export function rule(node, site, id) {
  const chart = history(site, id);
  const detail = el("div", { class: "view" });
  const shown = live(detail, () => load(site, id), (data, refresh) => draw(data, site, id, refresh));
  swap(node, detail, chart.node);
  return () => { shown.stop(); chart.stop(); };
}

async function load(site, id) {
  const [s, migration] = await Promise.all([get(path("sites", site)), get("migration").catch(() => null)]);
  return {
    etag: s.etag, from: s.from_api ?? [], rule: s.rules?.find((r) => r.id === id),
    migration: migration?.sites?.find((m) => m.site === site)?.rules?.find((r) => r.rule === id),
  };
}

function draw({ etag, from, rule: r, migration: m }, site, id, refresh) {
  return [
    el("p", { class: "trail" }, link(site, "sites", site), " / ", id || "no rule"),
    panel(`Rule ${id}`, !r && empty("The configuration has no such rule any more."),
      facts([...about(r, from), ...needed(m)])),
    r && panel("Switches", readOnlyNote(), switches(r, site, etag, refresh)),
    m && panel("What was asked", spans(m)),
    m && panel("What still needs the origin",
      el("h3", {}, "Keys"), hitters("Keys", "Key", m.top_keys),
      el("h3", {}, "Folders"), hitters("Folders", "Folder", m.top_prefixes),
      el("h3", {}, "Not kept, by reason"), reasons(m.not_kept)),
  ];
}

function about(r, from) {
  return r ? [
    ["State", ruleState(r)],
    ["Mode", mode(r)],
    ["Keys", el("code", {}, `${r.prefix}…${r.suffix}`)],
    ["Origins", r.targets?.join(", ")],
    ["Changed over the API", from.filter((f) => f.startsWith(`rules.${r.id}.`)).join(", ")],
  ] : [];
}

function needed(m) {
  return m ? [
    ["Last needed", `${ago(m.last_needed)}${m.last_needed_key ? `, for ${m.last_needed_key}` : ""}`],
    ["Last refused as retired", m.last_retired_key && `${ago(m.last_retired)}, for ${m.last_retired_key}`],
  ] : [];
}

const states = {
  active: ["Make active", "Misses of this rule are asked of its origin again."],
  paused: ["Pause", "Misses of this rule are answered with 503 and Retry-After until it is active again."],
  retired: ["Retire", "Misses of this rule are answered with 404, and counted as what would have needed the origin."],
};

function switches(r, site, etag, refresh) {
  const one = (label, confirm, danger, body) => action({
    label, confirm, kind: danger ? "danger" : null, after: refresh,
    run: () => change("PATCH", path("sites", site, "rules", r.id), body, etag),
  });
  const others = Object.keys(states).filter((state) => state !== r.state);
  return buttons(others.map((state) => one(...states[state], state !== "active", { state })), r.enabled ?
    one("Disable", "It is as if the rule were not there: its keys fall to the next rule that matches, or are 404.",
      true, { enabled: false }) :
    one("Enable", "The rule holds again.", false, { enabled: true }));
}

function spans(m) {
  const names = { hour: "last hour", day: "last day", week: "last week", all: "since the beginning" };
  return table("Requests by span of time", [
    { name: "Span", cell: (s) => names[s.span] ?? s.span },
    { name: "Requests", number: true, cell: (s) => count(s.requests) },
    { name: "Bytes", number: true, cell: (s) => bytes(s.bytes) },
    { name: "Without the origin", number: true, cell: share },
    { name: "Needed it", number: true, cell: (s) => count(s.needed) },
    { name: "In vain", number: true, cell: (s) => count(s.vain) },
    { name: "Failed", number: true, cell: (s) => count(s.failed) },
    { name: "Retired", number: true, cell: (s) => count(s.retired) },
    { name: "Saved", number: true, cell: (s) => `${count(s.saved)} (${bytes(s.saved_bytes)})` },
  ], m.spans, "Nothing was counted yet.");
}

function hitters(caption, name, list) {
  return table(caption, [
    { name, cell: (h) => key(h.key) },
    { name: "Requests", number: true, cell: between },
    { name: "Last", tight: true, cell: (h) => ago(h.last) },
  ], list, "None.");
}

const between = (h) => (h.error ? `${count(h.count - h.error)} to ` : "") + count(h.count);

function reasons(all) {
  return table("Not kept, by reason", [
    { name: "Reason", cell: ([reason]) => reason },
    { name: "Answers", number: true, cell: ([, n]) => count(n) },
  ], Object.entries(all ?? {}).sort((a, b) => b[1] - a[1]), "None.");
}

// The spans that the chart offers, by the step of the history and how many of them.
const offered = { hour: ["minute", 60], day: ["hour", 24], week: ["hour", 168] };

const parts = [
  { name: "without the origin", mark: 0, of: without },
  { name: "needed it", mark: 1, of: (p) => p.needed },
  { name: "in vain", mark: 3, of: (p) => p.vain },
  { name: "retired", mark: 2, of: (p) => p.retired },
  { name: "failed", mark: 5, of: (p) => p.failed },
];

function without(p) {
  return Math.max(0, p.requests - p.needed - p.vain - p.failed - p.retired);
}

function history(site, id) {
  const chart = new Chart({ title: "Requests over time", stacked: true, format: short, label: clockLabel });
  const chosen = { span: "day" };
  const body = el("div");
  const load = () => get("migration/history", { site, rule: id, step: offered[chosen.span][0] });
  const shown = live(body, load, ({ points }) => {
    chart.draw((points ?? []).slice(-offered[chosen.span][1]).map(point), parts);
    return !points?.length && empty("Nothing was counted yet.");
  });
  const choose = (span) => () => {
    chosen.span = span;
    shown.refresh();
  };
  const choice = el("fieldset", { class: "choice" }, el("legend", {}, "Span"), Object.keys(offered).map((span) =>
    el("label", {}, el("input", {
      type: "radio", name: "span", value: span, checked: span === chosen.span, onchange: choose(span),
    }), span)));
  return { node: panel("History", choice, chart.node, body), stop: shown.stop };
}

function point(p) {
  return { at: Date.parse(p.at), values: Object.fromEntries(parts.map((s) => [s.name, s.of(p)])) };
}

function clockLabel(time, newest) {
  const date = new Date(time);
  const far = newest - time > 36 * 3600e3;
  return far ? date.toLocaleDateString() : date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
