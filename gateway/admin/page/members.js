import { get } from "./api.js";
import { el, empty, facts, panel, tag, warning } from "./dom.js";
import { ago, count } from "./format.js";
import { live } from "./live.js";
import { table } from "./table.js";

export function members(node) {
  return live(node, load, draw).stop;
}

// A gateway without a fleet says 404, and why: that is no failure.
async function load() {
  try {
    return await get("members");
  } catch (e) {
    if (e.status === 404) return { alone: e.message };
    throw e;
  }
}

function draw(fleet) {
  if (fleet.alone) return panel("Members", empty(fleet.alone));
  const mine = fleet.members?.find((m) => m.me)?.setup;
  return panel("Members", warning(fleet.unknown), table("Members", [
    { name: "Gateway", cell: (m) => [el("code", {}, m.id), m.me && " ", m.me && tag("this one", "good")] },
    { name: "Started", tight: true, cell: (m) => ago(m.started) },
    { name: "Last seen", tight: true, cell: (m) => ago(m.seen) },
    { name: "Version", cell: (m) => m.version },
    { name: "Configuration", cell: (m) => setup(m.setup ?? "", mine) },
    { name: "Address", cell: (m) => m.advertise },
  ], fleet.members, "None is known."), facts([
    ["Foreign notes in Redis", count(fleet.foreign)],
    ["Notes that could not be written", count(fleet.untold)],
    ["Refused requests of others", count(fleet.refused)],
  ]));
}

function setup(hash, mine) {
  return [el("code", {}, hash.slice(0, 12)), mine && hash && hash !== mine && [" ", tag("differs", "warn")]];
}
