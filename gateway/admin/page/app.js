// The page: which view is shown, and what is around it.

import { el, empty, swap } from "./dom.js";
import { definitions } from "./marks.js";
import { startFeed } from "./feed.js";
import { frame } from "./frame.js";
import { home } from "./home.js";
import { sites, site } from "./sites.js";
import { rule } from "./rule.js";
import { editor } from "./editor.js";
import { origins, origin } from "./origins.js";
import { queue } from "./queue.js";
import { explain } from "./explain.js";
import { members } from "./members.js";
import { config } from "./config.js";

// The views by the form of their path; a name that begins with ":" takes any value.
const views = [
  { path: [], show: home, title: "Overview" },
  { path: ["sites"], show: sites, title: "Sites" },
  { path: ["sites", ":site"], show: site, title: "Site" },
  { path: ["sites", ":site", "edit"], show: editor, title: "Rules" },
  { path: ["sites", ":site", "rules", ":rule"], show: rule, title: "Rule" },
  { path: ["origins"], show: origins, title: "Origins" },
  { path: ["origins", ":site", ":rule", ":target"], show: origin, title: "Origin" },
  { path: ["queue"], show: queue, title: "Queue" },
  { path: ["explain"], show: explain, title: "Explain" },
  { path: ["members"], show: members, title: "Members" },
  { path: ["config"], show: config, title: "Configuration" },
];

const shown = { leave: null, hash: null };

// show puts the view that the address names into the page. A view draws into the node that it is given, and returns
// what ends it.
function show() {
  const hash = location.hash || "#/";
  if (!hash.startsWith("#/") || hash === shown.hash) return; // a link within the page, such as to its content
  shown.leave?.();
  const parts = hash.slice(2).split("/").filter(Boolean).map(decode);
  const view = views.find((v) => fits(v.path, parts));
  const main = document.getElementById("main");
  const node = el("div", { class: "view" });
  swap(main, node);
  shown.hash = hash;
  shown.leave = view ? view.show(node, ...parts.filter((_, i) => view.path[i].startsWith(":"))) : nowhere(node);
  const detail = { title: view?.title ?? "Nothing here", first: parts[0] ?? "" };
  document.dispatchEvent(new CustomEvent("view", { detail }));
  scrollTo(0, 0);
}

const fits = (path, parts) => path.length === parts.length && path.every((p, i) => p.startsWith(":") || p === parts[i]);

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function nowhere(node) {
  swap(node, empty("There is nothing under this address."));
  return () => {};
}

document.body.append(definitions());
frame();
startFeed();
addEventListener("hashchange", show);
show();
