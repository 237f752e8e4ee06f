// What can be done with objects that one names by their keys.

import { action, readOnlyNote } from "./actions.js";
import { change } from "./api.js";
import { buttons, el, key, panel, swap, tag } from "./dom.js";
import { count } from "./format.js";
import { table } from "./table.js";

// keysPanel is for the objects of a site. It is drawn once: what is typed into it stays.
export function keysPanel(site) {
  const text = el("textarea", { id: "keys", rows: 3, spellcheck: "false", autocomplete: "off" });
  const results = el("div", { "aria-live": "polite" });
  const post = (verb) => async () => {
    const keys = text.value.split("\n").filter(Boolean);
    if (keys.length === 0) return "There is no key.";
    const answer = await change("POST", verb, { site, keys });
    if (verb === "purge") return `${count(answer.dropped)} were forgotten here.`;
    swap(results, outcomes(answer.results));
    return "All of them were looked at.";
  };
  return panel("Objects", readOnlyNote(), el("label", { for: "keys" }, "Keys, one a line"), text, buttons(
    action({ label: "Pull what is missing", run: post("pull") }),
    action({ label: "Compare with the origin", run: post("refresh") }),
    action({ label: "Forget what memory knows", run: post("purge") })), results);
}

function outcomes(results) {
  return table("What came of it", [
    { name: "Key", cell: (r) => key(r.key) },
    { name: "Outcome", cell: (r) => (r.error ? [tag("failed", "bad"), " ", r.error] : r.outcome) },
  ], results, "Nothing.");
}
