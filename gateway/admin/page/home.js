// The overview: charts, and what leads on from here.

import { Chart } from "./chart.js";
import { el, link, panel, swap, warning } from "./dom.js";
import { get } from "./api.js";
import { feed, onFeed } from "./feed.js";
import { bytes, byteUnit, short, span, spanUnit } from "./format.js";
import { inUse, live } from "./live.js";
import { groups, latencies, loads, results } from "./series.js";
import { loadSites, sentences, sitesTable } from "./sites.js";
import { originsTable } from "./origins.js";
import { deadTable } from "./queue.js";
import { totals } from "./totals.js";

const gap = 10_000; // milliseconds without a figure after which a line breaks

// The parts load apart from each other: what one of them cannot be told does not hide the others.
export function home(node) {
  const charts = chartsOfAll();
  const [answered, bySite, given, origins] = [el("div"), el("div"), el("div"), panel("Origins", el("div"))];
  swap(node, el("section", { class: "charts", "aria-label": "Live charts" }, charts.map((c) => c.chart.node)),
    answered, bySite, given, origins);
  const loadDead = () => get("queue", { state: "dead", limit: 5 });
  const lists = [live(bySite, loadSites, drawSites), live(given, loadDead, drawDead)];
  const unfollow = onFeed(() => {
    for (const c of charts) c.chart.draw(feed.timeline.points.map((p) => ({ at: p.at, values: c.of(p) })), c.series());
    if (feed.overview && !inUse(answered)) swap(answered, totals(feed.overview));
    if (inUse(origins)) return;
    swap(origins.lastElementChild, warning(feed.originsError), originsTable(feed.origins));
  });
  return () => {
    unfollow();
    for (const list of lists) list.stop();
  };
}

function drawSites({ all, migration }) {
  return panel("Sites", sentences(migration), sitesTable(all, migration));
}

function drawDead({ items }, refresh) {
  return items.length > 0 && panel("Given up: these could not be saved", deadTable(items, refresh),
    el("p", {}, link("All that waits to be saved", "queue")));
}

// Each chart, what it shows of a point, and its series.
function chartsOfAll() {
  const one = (of, series, options) => ({ of, series, chart: new Chart(options) });
  const low = 120; // pixels
  return [
    one((p) => p.requests, () => groups, { title: "Requests per second", stacked: true, format: short, wide: true }),
    one((p) => p.latency, () => latencies, { title: "Time to first byte", format: span, log: true, gap, wide: true }),
    one((p) => p.pulls, seen, { title: "Origin answers per second", stacked: true, format: short, wide: true }),
    one((p) => p.load, () => loads, { title: "Under way", format: short, least: 1, wide: true }),
    one((p) => p.queue, () => [{ name: "waiting", mark: 0 }, { name: "dead", mark: 5 }],
      { title: "Objects to be saved", format: short, least: 1, height: low }),
    one((p) => p.queue, () => [{ name: "size", mark: 0 }],
      { title: "Size of the spool", format: bytes, unit: byteUnit, height: low }),
    one((p) => p.queue, () => [{ name: "age of the oldest", mark: 1 }],
      { title: "Age of the oldest object", format: span, unit: spanUnit, height: low }),
  ];
}

// seen are the results that any origin has had. A name that is new to this page shares one mark with others such.
function seen() {
  const names = new Set(feed.origins.flatMap((o) => Object.keys(o.pulls ?? {})));
  const strange = [...names].filter((name) => !results.some((r) => r.name === name)).sort();
  return [...results.filter((r) => names.has(r.name)), ...strange.map((name) => ({ name, mark: 7 }))];
}
