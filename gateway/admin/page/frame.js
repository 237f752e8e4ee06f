// What is around every view: where to go, how the gateway is, the theme and the token.

import { el, link, swap, tag, warning } from "./dom.js";
import { feed, onFeed, unlock } from "./feed.js";
import { ago, known, rough, since } from "./format.js";
import { forgetToken, hasToken } from "./api.js";

const places = [["", "Overview"], ["sites", "Sites"], ["origins", "Origins"], ["queue", "Queue"],
  ["explain", "Explain"], ["members", "Members"], ["config", "Configuration"]];

export function frame() {
  document.addEventListener("view", (e) => navigation(e.detail));
  document.addEventListener("token", tools);
  tools();
  onFeed(state);
}

function navigation({ title, first }) {
  swap(document.getElementById("nav"), places.map(([place, name]) => el("a", {
    href: `#/${place}`, "aria-current": place === first ? "page" : null, "data-key": `nav ${place}`,
  }, name)));
  document.body.dataset.title = title;
  entitle();
}

function entitle() {
  const bad = feed.error || feed.overview?.ready || feed.overview?.reload.error;
  document.title = `${bad ? "✗ " : ""}${document.body.dataset.title ?? ""} – mirrorgate`;
}

function tools() {
  swap(document.getElementById("tools"), themeButton(), hasToken() &&
    el("button", { type: "button", class: "quiet", onclick: forgetToken }, "Forget token"));
}

const themes = { auto: "light", light: "dark", dark: "auto" };

function themeButton() {
  const now = document.documentElement.dataset.theme ?? "auto";
  return el("button", { type: "button", class: "quiet", "data-key": "theme", onclick: () => setTheme(themes[now]) },
    `Theme: ${now}`);
}

function setTheme(theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  }
  tools();
}

function state() {
  const unknown = feed.migrationError && `How the migration goes is not known: ${feed.migrationError}`;
  const sentence = feed.migration?.sentence ?? unknown;
  if (sentence) write(document.getElementById("sentence"), sentence);
  document.documentElement.classList.toggle("stale", Boolean(feed.error));
  alerts();
  if (feed.overview) swap(document.getElementById("chips"), chips(feed.overview).map((c) => el("li", {}, c)));
  entitle();
}

// write does not touch what is the same already: a screen reader would read it again.
function write(node, text) {
  if (node.textContent !== text) swap(node, text);
}

function alerts() {
  const all = document.getElementById("alerts");
  const wanted = problems();
  const key = JSON.stringify(wanted);
  if (all.dataset.shown === key) return;
  all.dataset.shown = key;
  swap(all, wanted.map((text) => warning(text)), feed.error?.locked &&
    el("p", {}, el("button", { type: "button", class: "primary", onclick: unlock }, "Enter the token")));
}

function problems() {
  const o = feed.overview;
  const restart = o?.reload.restart?.join(", ");
  return [
    silence(feed.error),
    o?.ready && `Not ready, it should get no traffic: ${o.ready}`,
    o?.reload.error && `The last reload changed nothing: ${o.reload.error}`,
    restart && `Changed in the file, and in force only after a restart: ${restart}`,
  ].filter(Boolean);
}

function silence(error) {
  if (!error) return "";
  if (error.locked) return "Reading needs the token, too.";
  return `No answer for ${rough((Date.now() - error.since) / 1000)}: ${error.message} What is below is older.`;
}

function chips(o) {
  return [
    feed.error ? tag("no answer", "bad") : o.ready ? tag("not ready", "bad") : tag("ready", "good"),
    o.read_only && tag("read-only: admin.token is not set", "warn"),
    o.queue.paused && tag("saving is paused", "warn"),
    o.queue.dead > 0 && link(tag(`${o.queue.dead} could not be saved`, "bad"), "queue"),
    o.redis && tag(`Redis ${o.redis}`, o.redis === "up" ? "good" : "bad"),
    o.reload.error && tag(`reload failed ${ago(o.reload.at)}`, "bad"),
    known(o.reload.loaded) && tag(`configuration of ${ago(o.reload.loaded)}`),
    tag(`version ${o.version}`),
    tag(`up for ${rough(since(o.started))}`),
  ].filter(Boolean);
}
