// What has been answered since the start of the gateway: totals, beside charts that show rates.

import { el, panel } from "./dom.js";
import { bytes, count, percent } from "./format.js";
import { swatch } from "./marks.js";
import { groups } from "./series.js";
import { table } from "./table.js";

const means = {
  memory: "from memory",
  bucket: "from the bucket",
  spool: "pulled before, and not saved yet",
  mirrored: "pulled from an origin for this request",
  joined: "of a pull that another request began",
  passed: "a part or the headers, asked of an origin; nothing was kept",
  proxied: "passed through from an origin",
  redirected: "sent to an origin",
  negative: "no origin has it, or has said so lately",
  missing: "not in the bucket, and no rule is for it",
  retired: "its rule is retired: it would have needed the origin",
  denied: "a rule forbids it",
  refused: "the client's own mistake",
  error: "no answer could be got",
  paused: "its rule is paused",
};

// totals is a panel with what was answered how often, in the order of the charts' legend.
export function totals(overview) {
  const rows = byOutcome(overview.requests ?? []);
  const all = rows.reduce(plus, { outcome: "all", requests: 0, bytes: 0 });
  return panel("Requests since the start", el("div", { class: "scroll" }, table("Requests since the start", [
    { name: "Outcome", cell: (r) => [r.mark !== undefined && swatch(r.mark, true), r.outcome] },
    { name: "Meaning", cell: (r) => means[r.outcome] },
    { name: "Requests", number: true, cell: (r) => count(r.requests) },
    { name: "Share", number: true, cell: (r) => percent(r.requests, all.requests) },
    { name: "Size", number: true, cell: (r) => bytes(r.bytes) },
  ], rows.length > 0 && [...rows, all], "Nothing was answered yet.", "totals")));
}

const plus = (sum, c) => ({ ...sum, requests: sum.requests + c.requests, bytes: sum.bytes + c.bytes });

// byOutcome adds up sites, rules and classes. An outcome that is new to this page comes last, without a mark.
function byOutcome(counts) {
  const known = groups.flatMap((g) => g.of.map((outcome) => ({ outcome, mark: g.mark })));
  const strange = [...new Set(counts.map((c) => c.outcome))].filter((o) => !known.some((k) => k.outcome === o));
  return [...known, ...strange.map((outcome) => ({ outcome }))]
    .map((row) => counts.filter((c) => c.outcome === row.outcome).reduce(plus, { ...row, requests: 0, bytes: 0 }))
    .filter((row) => row.requests > 0);
}
