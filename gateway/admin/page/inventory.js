// What the origin holds altogether, as somebody who runs it has counted, and what is left of it by that.

import { action, readOnlyNote } from "./actions.js";
import { change, path } from "./api.js";
import { buttons, el, empty, facts, panel, swap } from "./dom.js";
import { feed, lookAtMigration, onFeed } from "./feed.js";
import { ago, bytes, count, known, sizeOf, stamp, until } from "./format.js";

const fields = [
  { name: "objects", label: "Objects", read: whole },
  { name: "bytes", label: "Their size, such as 1.5 TiB", read: sizeOf },
  { name: "copied", label: "Objects in the bucket already", read: whole },
  { name: "copied_bytes", label: "The size of those", read: sizeOf },
];

// inventory is the panel of a site. Its form is drawn once: what is typed into it stays.
export function inventory(site) {
  const left = el("div");
  const inputs = fields.map((f) => el("input", { id: `inventory-${f.name}`, autocomplete: "off", inputmode: "text" }));
  const put = (body) => change("PUT", path("migration", "inventory", site), body);
  const tell = async () => { await put(told(inputs)); };
  const forget = async () => { await put(null); };
  const node = panel("What the origin holds", left, readOnlyNote(),
    el("div", { class: "fields" }, fields.map((f, i) =>
      el("div", {}, el("label", { for: inputs[i].id }, f.label), inputs[i]))),
    buttons(action({ label: "Tell", name: "Tell the inventory", run: tell, after: lookAtMigration }),
      action({ label: "Forget", name: "Forget the inventory", run: forget, after: lookAtMigration })));
  const stop = onFeed(() => swap(left, estimate(feed.migration?.sites?.find((s) => s.site === site))));
  return { node, stop };
}

function whole(text) {
  return /^\d+$/.test(text.replaceAll(/\s/g, "")) ? Number(text.replaceAll(/\s/g, "")) : NaN;
}

// told is what the form says. What is left empty is 0.
function told(inputs) {
  return Object.fromEntries(fields.map((f, i) => {
    const value = f.read(inputs[i].value.trim() || "0");
    if (!Number.isSafeInteger(value)) throw new Error(`“${inputs[i].value}” is none: ${f.label}.`);
    return [f.name, value];
  }));
}

function estimate(part) {
  const { inventory: i, left } = part ?? {};
  if (!i || !left) return empty("What the origin holds is not known. Once it is told, what is left is estimated.");
  const done = known(left.done) ? `${until(left.done)}, ${stamp(left.done)}` : "cannot be told";
  return facts([
    ["At the origin altogether", `${amount(i)}, told ${ago(i.told)}`],
    ["Of those in the bucket then", amount({ objects: i.copied, bytes: i.copied_bytes })],
    ["Still only there", el("strong", {}, amount(left))],
    ["Nothing left, at the pace of the last day", done],
  ]);
}

const amount = (n) => `${count(n.objects)} objects, ${bytes(n.bytes)}`;
