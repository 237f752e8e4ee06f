// What came between two looks at the gateway's counters, for the charts.

// groups puts the outcomes of requests together: few enough to tell their colours and patterns apart.
export const groups = [
  { name: "copies", mark: 0, of: ["memory", "bucket", "spool"] },
  { name: "from an origin", mark: 1, of: ["mirrored", "joined", "passed"] },
  { name: "sent on", mark: 2, of: ["redirected", "proxied"] },
  { name: "not there", mark: 3, of: ["negative", "missing", "retired"] },
  { name: "refused", mark: 4, of: ["denied", "refused"] },
  { name: "errors", mark: 5, of: ["error", "paused"] },
];

// Latency is of what was answered with an object; the rest is quick, and would hide it.
export const latencies = [
  { name: "copies, p50", mark: 0, group: 0, q: 0.5 },
  { name: "copies, p99", mark: 6, group: 0, q: 0.99 },
  { name: "origin, p50", mark: 1, group: 1, q: 0.5 },
  { name: "origin, p99", mark: 5, group: 1, q: 0.99 },
];

// What comes of pulls has one of these names.
export const results = [
  { name: "ok", mark: 0 },
  { name: "not_found", mark: 3 },
  { name: "passed", mark: 2 },
  { name: "timeout", mark: 1 },
  { name: "failed", mark: 5 },
  { name: "busy", mark: 4 },
  { name: "canceled", mark: 6 },
];

export const loads = [
  { name: "requests", mark: 0 },
  { name: "pulls", mark: 1 },
  { name: "clients of pulls", mark: 3 },
  { name: "origin requests", mark: 5 },
];

const kept = 450; // points: a quarter of an hour
const latencyOver = 5; // looks: quantiles of fewer requests jump

// Timeline remembers what the gateway looked like.
export class Timeline {
  points = [];
  #looks = [];

  // add takes the newest look. After a restart of the gateway its counters begin anew, and so does the timeline.
  add(overview, origins) {
    const last = this.#looks.at(-1);
    if (last && last.overview.started !== overview.started) {
      this.#looks = [];
      this.points = [];
    }
    this.#looks.push({ overview, origins });
    if (this.#looks.length > latencyOver + 1) this.#looks.shift();
    if (this.#looks.length < 2) return;
    const point = between(this.#looks.at(-2), this.#looks.at(-1), this.#looks[0]);
    if (point) this.points.push(point);
    if (this.points.length > kept) this.points.shift();
  }
}

function between(before, now, first) {
  const at = Date.parse(now.overview.now);
  const seconds = (at - Date.parse(before.overview.now)) / 1000;
  if (!(seconds > 0)) return null;
  return {
    at,
    requests: rates(before.overview.requests, now.overview.requests, seconds),
    latency: quantiles(first.overview.first_byte, now.overview.first_byte),
    pulls: pullRates(before.origins, now.origins, seconds),
    load: load(now),
    queue: queue(now.overview.queue, at),
  };
}

function rates(before, now, seconds) {
  const sum = (list, of) => (list ?? []).filter((c) => of.includes(c.outcome)).reduce((s, c) => s + c.requests, 0);
  return Object.fromEntries(groups.map((g) => [g.name, Math.max(0, sum(now, g.of) - sum(before, g.of)) / seconds]));
}

function pullRates(before, now, seconds) {
  const sums = (origins) => {
    const all = {};
    for (const o of origins ?? []) {
      for (const [result, n] of Object.entries(o.pulls ?? {})) all[result] = (all[result] ?? 0) + n;
    }
    return all;
  };
  const was = sums(before);
  const rate = (result, n) => Math.max(0, n - (was[result] ?? 0)) / seconds;
  return Object.fromEntries(Object.entries(sums(now)).map(([result, n]) => [result, rate(result, n)]));
}

function load({ overview, origins }) {
  return {
    requests: overview.inflight,
    pulls: overview.flights,
    "clients of pulls": overview.readers,
    "origin requests": (origins ?? []).reduce((s, o) => s + o.inflight, 0),
  };
}

function queue(q, at) {
  const oldest = q.oldest && q.waiting + q.dead > 0 ? Math.max(0, (at - Date.parse(q.oldest)) / 1000) : 0;
  return { waiting: q.waiting, dead: q.dead, size: q.bytes, "age of the oldest": oldest };
}

function quantiles(before, now) {
  return Object.fromEntries(latencies.map((l) => {
    const outcomes = groups[l.group].of;
    return [l.name, quantile(l.q, merged(before, now, outcomes))];
  }));
}

// merged is the histogram of what came between two looks, of some outcomes together.
function merged(before, now, outcomes) {
  const sum = { bounds: [], counts: [] };
  for (const d of (now ?? []).filter((d) => outcomes.includes(d.outcome))) {
    const was = (before ?? []).find((b) => b.outcome === d.outcome)?.counts ?? [];
    sum.bounds = d.bounds;
    d.counts.forEach((n, i) => { sum.counts[i] = (sum.counts[i] ?? 0) + Math.max(0, n - (was[i] ?? 0)); });
  }
  return sum;
}

// quantile looks a quantile up in a histogram: seconds, or null when there was nothing. Above all bounds it is the
// highest of them.
export function quantile(q, { bounds, counts }) {
  const all = counts.reduce((s, n) => s + n, 0);
  if (all === 0) return null;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const n = counts[i] ?? 0;
    if (n > 0 && below + n >= q * all) {
      const low = i > 0 ? bounds[i - 1] : 0;
      return low + (bounds[i] - low) * Math.max(0, (q * all - below) / n);
    }
    below += n;
  }
  return bounds.at(-1) ?? null;
}
