// The old servers: how they are, and taking them out for a while.

import { action, readOnlyNote } from "./actions.js";
import { change } from "./api.js";
import { el, empty, facts, key, link, note, panel, swap, tag, warning } from "./dom.js";
import { feed, look, onFeed } from "./feed.js";
import { ago, count, until } from "./format.js";
import { inUse } from "./live.js";
import { table } from "./table.js";

const kinds = { up: "good", open: "bad", waiting: "warn", draining: "warn", paused: "warn" };
const means = { open: "fails: its breaker is open", waiting: "asked for a pause" };

const stateTag = (o) => tag(means[o.state] ?? o.state, kinds[o.state] ?? "warn");

export function origins(node) {
  return onFeed(() => inUse(node) || swap(node, panel("Origins", problem(), originsTable(feed.origins))));
}

const problem = () => warning(feed.originsError);

export function originsTable(all) {
  return table("Origins", [
    { name: "Rule", cell: (o) => link(`${o.site} / ${o.rule}, ${o.target}`, "origins", o.site, o.rule, o.target) },
    { name: "State", tight: true, cell: (o) => [stateTag(o), " ", until(o.until)] },
    { name: "Address", cell: (o) => key(o.url) },
    { name: "Under way", number: true, cell: (o) => count(o.inflight) },
    { name: "Answers", cell: answers },
    { name: "Last asked", tight: true, cell: (o) => ago(o.last_asked) },
  ], all, "No rule has an origin.");
}

function answers(o) {
  const all = Object.entries(o.pulls ?? {}).sort((a, b) => b[1] - a[1]);
  return all.map(([result, n]) => `${result} ${count(n)}`).join(", ") || "none";
}

export function origin(node, site, rule, target) {
  return onFeed(() => {
    if (inUse(node)) return;
    const o = feed.origins.find((x) => x.site === site && x.rule === rule && x.target === target);
    swap(node, el("p", { class: "trail" }, link("Origins", "origins"), ` / ${site} / ${rule}, ${target}`), problem(),
      o ? [panel(`Origin of ${rule}, ${target}`, about(o)), panel("Steer", readOnlyNote(), steer(o))] :
        empty(feed.overview ? "There is no such origin." : "Asking the gateway…"));
  });
}

function about(o) {
  return facts([
    ["State", [stateTag(o), " ", until(o.until)]],
    ["Address", key(o.url)],
    ["Used by", link(`${o.site} / ${o.rule}`, "sites", o.site, "rules", o.rule)],
    ["Requests under way", count(o.inflight)],
    ["Last asked", ago(o.last_asked)],
    ["Last failure", o.last_error],
    ["Answers", answers(o)],
  ]);
}

function steer(o) {
  const post = (verb, body) => () => change("POST", `origins/${verb}`, body);
  const rule = { site: o.site, rule: o.rule };
  return [
    note("This holds for this gateway until it is changed back or restarted. What is to last is the rule's state."),
    el("div", { class: "buttons" },
      action({ label: "Drain", kind: "danger", run: post("drain", { ...rule, target: o.target }), after: look,
        confirm: "New pulls pass this target over; those under way end by themselves." }),
      action({ label: "Pause the rule's pulls", kind: "danger", run: post("pause", rule), after: look,
        confirm: "All misses of the rule are answered with 503 and Retry-After." }),
      action({ label: "Resume", run: post("resume", rule), after: look })),
  ];
}
