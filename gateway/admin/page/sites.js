// Sites, and one of them: its rules, its switches, and what the migration still needs.

import { action, readOnlyNote } from "./actions.js";
import { change, get, path } from "./api.js";
import { el, facts, link, panel, swap, tag } from "./dom.js";
import { ago, percent } from "./format.js";
import { inventory } from "./inventory.js";
import { keysPanel } from "./keys.js";
import { live } from "./live.js";
import { table } from "./table.js";

export function sites(node) {
  const draw = ({ all, migration }) => panel("Sites", sentences(migration), sitesTable(all, migration));
  return live(node, loadSites, draw).stop;
}

export const loadSites = async () => ({ all: await get("sites"), migration: await get("migration").catch(() => null) });

// sentences says of each site how its migration goes.
export function sentences(migration) {
  return migration && el("ul", { class: "sentences" }, (migration.sites ?? []).map((s) =>
    el("li", {}, link(s.site, "sites", s.site), ": ", s.sentence)));
}

export function sitesTable(all, migration) {
  return table("Sites", [
    { name: "Site", cell: (s) => link(s.name, "sites", s.name) },
    { name: "Hosts", cell: (s) => s.hosts?.join(", ") },
    { name: "Served from", tight: true, cell: (s) => tag(s.serve, s.serve === "bucket" ? "plain" : "warn") },
    { name: "Saving", tight: true, cell: (s) => (s.save ? "yes" : tag("off", "warn")) },
    { name: "Without the origin, last day", number: true, cell: (s) => siteShare(migration, s.name) },
    { name: "Bucket", cell: (s) => (s.ready ? [tag("not usable", "bad"), " ", s.ready] : tag("ready", "good")) },
  ], all, "There is no site.");
}

function siteShare(migration, name) {
  const rules = migration?.sites?.find((s) => s.site === name)?.rules ?? [];
  const days = rules.map((r) => spanOf(r, "day")).filter(Boolean);
  const sum = (of) => days.reduce((s, day) => s + of(day), 0);
  return percent(sum(without), sum((day) => day.requests));
}

export const spanOf = (rule, name) => rule?.spans?.find((s) => s.span === name);

// without is how many requests of a span were answered and needed no origin for that.
const without = (s) => s.requests - s.needed - s.failed - s.retired - s.paused;

export const share = (s) => percent(without(s), s.requests);

export function site(node, name) {
  const body = el("div");
  const held = inventory(name);
  swap(node, body, held.node, keysPanel(name));
  const shown = live(body, () => loadSite(name), drawSite);
  return () => { shown.stop(); held.stop(); };
}

async function loadSite(name) {
  const [s, migration] = await Promise.all([get(path("sites", name)), get("migration").catch(() => null)]);
  return { site: s, migration: migration?.sites?.find((m) => m.site === name) };
}

function drawSite({ site: s, migration }, refresh) {
  return [
    panel(`Site ${s.name}`, migration && el("p", { class: "lead" }, migration.sentence), about(s)),
    panel("Switches", readOnlyNote(), switches(s, refresh)),
    panel("Rules", rulesTable(s, migration), el("p", {}, link("Edit the rules", "sites", s.name, "edit"))),
  ];
}

function about(s) {
  return facts([
    ["Hosts", s.hosts?.join(", ")],
    ["Bucket", s.bucket],
    ["Bucket cannot be used", s.ready],
    ["Changed over the API", s.from_api?.join(", ")],
    ["Changes are not kept", s.store_error],
  ]);
}

function switches(s, refresh) {
  const patch = (body) => () => change("PATCH", path("sites", s.name), body, s.etag);
  const back = () => change("DELETE", path("sites", s.name, "switches"), undefined, s.etag);
  return el("div", { class: "switches" },
    s.serve === "bucket" ?
      one("Served from the bucket", { label: "Serve from the origin", kind: "danger", run: patch({ serve: "origin" }),
        confirm: "The gateway becomes a pure proxy for this site: requests go to the origin, nothing is stored." }) :
      one("Served from the origin", { label: "Serve from the bucket", run: patch({ serve: "bucket" }),
        confirm: "Requests are answered from the bucket again, and by the rules for what it lacks." }),
    s.save ?
      one("What is pulled is saved", { label: "Stop saving", kind: "danger", run: patch({ save: false }),
        confirm: "Objects are pulled for each request anew until saving goes on." }) :
      one("What is pulled is not saved", { label: "Save again", run: patch({ save: true }),
        confirm: "What is pulled from now on is saved into the bucket." }),
    ["serve", "save"].some((name) => s.from_api?.includes(name)) &&
      one("Changed over the API", { label: "Back to the file's switches", run: back,
        confirm: "serve and save become what the configuration file says." }));

  function one(text, options) {
    return el("div", { class: "switch" }, el("span", {}, text), action({ ...options, after: refresh }));
  }
}

function rulesTable(s, migration) {
  const of = (r) => migration?.rules?.find((m) => m.rule === r.id);
  return table("Rules", [
    { name: "Rule", cell: (r) => link(r.id, "sites", s.name, "rules", r.id) },
    { name: "State", tight: true, cell: ruleState },
    { name: "Mode", tight: true, cell: mode },
    { name: "Keys", cell: (r) => el("code", {}, `${r.prefix}…${r.suffix}`) },
    { name: "Without the origin, last day", number: true, cell: (r) => dayShare(of(r)) },
    { name: "Last needed", tight: true, cell: (r) => (of(r) ? ago(of(r).last_needed) : "–") },
  ], s.rules, "The site has no rule.");
}

function dayShare(rule) {
  const day = spanOf(rule, "day");
  return day ? share(day) : "–";
}

export const mode = (r) => (r.when === "always" ? `${r.mode}, always` : r.mode);

export function ruleState(r) {
  if (!r.enabled) return tag("disabled", "warn");
  return tag(r.state, { active: "good", paused: "warn", retired: "plain" }[r.state] ?? "warn");
}
