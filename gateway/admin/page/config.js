// The configuration in force, reading it again, and the log's level.

import { action, readOnlyNote } from "./actions.js";
import { change, get } from "./api.js";
import { buttons, el, facts, panel, warning } from "./dom.js";
import { ago } from "./format.js";
import { live } from "./live.js";

export function config(node) {
  return live(node, load, draw).stop;
}

async function load() {
  const [view, log] = await Promise.all([get("config"), get("log").catch(() => null)]);
  return { view, log };
}

function draw({ view, log }, refresh) {
  const r = view.reload;
  return [
    panel("Configuration", readOnlyNote(),
      warning(r.error && `The last reload (${ago(r.at)}) changed nothing: ${r.error}`), facts([
        ["File", view.file || "none: it was made of the command line"],
        ["In force since", ago(r.loaded)],
        ["Hash", el("code", {}, view.setup)],
        ["Only after a restart", r.restart?.join(", ")],
      ]), buttons(action({ label: "Reload the file", kind: "primary", run: reload, after: refresh }))),
    log && panel("Log", level(log, refresh)),
    panel("In force, without secrets",
      el("pre", { class: "config", tabindex: 0 }, JSON.stringify(view.config, null, 2))),
  ];
}

async function reload() {
  try {
    await change("POST", "reload");
  } catch (e) {
    if (e.mistakes.length === 0) throw e;
    throw new Error(e.mistakes.map((m) => `${m.path}${m.line ? ` (line ${m.line})` : ""}: ${m.problem}`).join("; "));
  }
  return "The file was read again and is in force.";
}

const levels = ["debug", "info", "warn", "error"];

function level(log, refresh) {
  const to = (l) => action({
    label: l, name: `Log level ${l}`, run: () => change("PUT", "log", { level: l }), after: refresh,
  });
  return [el("p", {}, `It is ${log.level}. Another level holds until the next reload or restart.`),
    buttons(levels.filter((l) => l !== log.level).map(to))];
}
