// Buttons that change something.

import { el, note } from "./dom.js";
import { confirmed } from "./dialogs.js";
import { feed } from "./feed.js";

export const readOnlyReason = "Read-only: admin.token is not set in the configuration, so nothing can be changed here.";

// action is such a button. It asks back if confirm has a text, runs, and says what came of it: the text that run
// returns, or that it is done. name is what the button is called where label alone does not say what it is for. after
// is called when it has run.
export function action({ label, name, kind, confirm, run, after }) {
  const button = el("button", {
    type: "button", class: kind, "aria-label": name, "data-key": name ?? label, "data-action": true,
    disabled: feed.readOnly(), title: feed.readOnly() ? readOnlyReason : null,
    onclick: () => press(button, { label, name, kind, confirm, run, after }),
  }, label);
  return button;
}

async function press(button, { label, name, kind, confirm, run, after }) {
  const about = name ?? label;
  if (confirm && !(await confirmed(`${about}?`, confirm, label, kind === "danger"))) return;
  button.disabled = true;
  try {
    const said = await run();
    say(typeof said === "string" ? said : `${about}: done.`, { about });
  } catch (e) {
    say(`${about}: ${e.message}`, { about, bad: true });
  }
  button.disabled = feed.readOnly();
  await after?.();
}

const shownFor = 8000; // milliseconds; what went wrong stays until it is put away

// say shows a message at the edge of the page, instead of an earlier one about the same.
export function say(message, { about = message, bad = false } = {}) {
  const toast = el("div", { class: bad ? "toast bad" : "toast", role: bad ? "alert" : null, "data-about": about },
    el("span", {}, message),
    el("button", { type: "button", "aria-label": "Put the message away", onclick: () => toast.remove() }, "×"));
  const all = document.getElementById("toasts");
  [...all.children].find((earlier) => earlier.dataset.about === toast.dataset.about)?.remove();
  all.append(toast);
  while (all.children.length > 4) all.firstElementChild.remove();
  if (!bad) setTimeout(() => toast.remove(), shownFor);
}

// readOnlyNote says why the buttons of a view cannot be pressed.
export function readOnlyNote() {
  return feed.readOnly() && note(readOnlyReason);
}

// each throws if something of what was asked for many failed: results are [{error}].
export function each(answer) {
  const failed = answer.results.filter((r) => r.error);
  if (failed.length) throw new Error(failed.map((r) => r.error).join("; "));
}
