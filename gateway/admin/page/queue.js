// What waits to be saved, and what was given up.

import { action, each, readOnlyNote } from "./actions.js";
import { change, get } from "./api.js";
import { buttons, el, facts, key, note, panel, tag, warning } from "./dom.js";
import { ago, bytes, count, until } from "./format.js";
import { live } from "./live.js";
import { table } from "./table.js";

const shown = 50; // entries of a list

export function queue(node) {
  return live(node, load, draw).stop;
}

async function load() {
  const pages = [get("queue", { limit: shown }), get("queue", { state: "dead", limit: shown })];
  const [all, dead] = await Promise.all(pages);
  return { all, dead };
}

function draw({ all, dead }, refresh) {
  const s = all.summary;
  const lost = all.lost ?? [];
  return [
    panel("What waits to be saved", readOnlyNote(), summary(s), buttons(pause(s, refresh))),
    panel("Dead", el("p", {}, "The bucket has refused these for a reason that does not pass by itself. " +
      "They are kept, and served, until somebody retries or drops them."), deadTable(dead.items, refresh), more(dead),
    dead.items.length + lost.length > 0 && buttons(retryAll(refresh))),
    (lost.length > 0 || all.lost_unknown) &&
      panel("Lost by the fleet", warning(all.lost_unknown), deadTable(lost, refresh)),
    panel("Waiting", waitingTable(all.items.filter((i) => i.state !== "dead")), more(all)),
  ];
}

const more = (page) => page.more && note(`There are more: these are the oldest ${shown}.`);

function summary(s) {
  return facts([
    ["Waiting", count(s.waiting)],
    ["Dead", count(s.dead)],
    ["Size, with pulls under way", bytes(s.bytes)],
    ["The oldest is of", s.oldest && ago(s.oldest)],
    ["Damaged files set aside", s.set_aside > 0 && count(s.set_aside)],
    ["Dead ones dropped for want of room", s.evicted > 0 && count(s.evicted)],
    ["Saving", s.paused ? tag("paused", "warn") : tag("goes on", "good")],
  ]);
}

function pause(s, refresh) {
  const post = (verb) => () => change("POST", `queue/${verb}`);
  if (s.paused) return action({ label: "Resume saving", kind: "primary", run: post("resume"), after: refresh });
  return action({ label: "Pause saving", kind: "danger", run: post("pause"), after: refresh,
    confirm: "Nothing is saved to any bucket until it is resumed, across restarts too. " +
      "Clients are served meanwhile, and the spool fills." });
}

function retryAll(refresh) {
  return action({ label: "Retry all dead", after: refresh, run: async () => {
    const answer = await change("POST", "queue/retry", { all: true });
    if (answer.error) throw new Error(answer.error);
    return `${count(answer.retried)} are tried again.`;
  } });
}

// deadTable shows entries that were given up, each with its reason and what can be done.
export function deadTable(items, refresh) {
  return table("Dead entries", [
    { name: "Key", cell: (i) => [key(i.key), el("small", {}, i.site)] },
    { name: "Why", cell: (i) => i.damaged || i.error },
    { name: "Size", number: true, cell: (i) => (i.bytes === undefined ? "" : bytes(i.bytes)) },
    { name: "Given up", tight: true, cell: (i) => (i.died ? ago(i.died) : "") },
    { name: "Do", tight: true, cell: (i) => buttons(retry(i, refresh), drop(i, refresh)) },
  ], items, "None: all is well.");
}

function retry(i, refresh) {
  return action({ label: "Retry", name: `Retry ${i.key}`, after: refresh,
    run: async () => each(await change("POST", "queue/retry", { ids: [i.id] })) });
}

function drop(i, refresh) {
  return action({ label: "Drop", name: `Drop ${i.key}`, kind: "danger", after: refresh,
    confirm: "The object is not saved. It is pulled again when somebody asks for it, if its origin still has it.",
    run: async () => each(await change("POST", "queue/drop", { ids: [i.id] })) });
}

function waitingTable(items) {
  return table("Waiting entries", [
    { name: "Key", cell: (i) => [key(i.key), el("small", {}, i.site)] },
    { name: "State", tight: true, cell: (i) => tag(i.state, i.state === "retrying" ? "warn" : "plain") },
    { name: "Size", number: true, cell: (i) => bytes(i.bytes) },
    { name: "Pulled", tight: true, cell: (i) => ago(i.pulled) },
    { name: "Tried again", tight: true, cell: (i) => until(i.next) },
    { name: "Why", cell: (i) => i.error },
  ], items, "Nothing waits.");
}
