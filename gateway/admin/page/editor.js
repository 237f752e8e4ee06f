// The editor of a site's rules. What is typed is validated by the gateway, which changes nothing by that, and says what
// would change.

import { action, readOnlyNote, say } from "./actions.js";
import { change, get, path } from "./api.js";
import { buttons, el, empty, link, panel, swap, tag, warning } from "./dom.js";
import { confirmed } from "./dialogs.js";

const pause = 400; // milliseconds without a key before what was typed is validated

// drafts are what was typed and not applied, by site: looking elsewhere meanwhile does not lose it.
const drafts = new Map();

export function editor(node, site) {
  const e = new Editor(site);
  swap(node, e.node);
  e.load(drafts.get(site));
  return () => e.leave();
}

class Editor {
  #site;
  #etag = "";
  #saved = ""; // the text as it was loaded
  #turn = 0; // counts validations: only the newest may speak
  #timer = 0;
  #text = el("textarea", { id: "rules", class: "rules", spellcheck: "false", wrap: "off", autocomplete: "off" });
  #gutter = el("pre", { class: "gutter", "aria-hidden": "true" });
  #source = el("span");
  #verdict = el("div", { class: "verdict", role: "status" });
  #buttons = el("div", { class: "buttons" });

  constructor(site) {
    this.#site = site;
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("scroll", () => { this.#gutter.scrollTop = this.#text.scrollTop; });
    this.node = el("div", { class: "view" }, el("p", { class: "trail" }, link(site, "sites", site), " / rules"),
      panel(`Rules of ${site}`, readOnlyNote(), el("p", {}, this.#source),
        el("label", { for: "rules" }, "Rules as JSON: a list, in the order in which they are tried"),
        el("div", { class: "editor" }, this.#gutter, this.#text), this.#verdict, this.#buttons));
  }

  leave() {
    this.#settle();
    if (this.#text.value === this.#saved) drafts.delete(this.#site);
    else drafts.set(this.#site, { text: this.#text.value, etag: this.#etag });
  }

  // settle has no validation speak any more.
  #settle() {
    clearTimeout(this.#timer);
    this.#turn++;
  }

  // load shows the rules in force, or a draft, which was made from the rules that its etag names.
  async load(draft) {
    this.#settle();
    try {
      const set = await get(path("sites", this.#site, "rules"));
      this.#saved = JSON.stringify(set.rules, null, 2);
      this.#etag = draft?.etag ?? set.etag;
      this.#text.value = draft?.text ?? this.#saved;
      this.#show(set.source);
      if (draft) this.#typed();
    } catch (e) {
      swap(this.#verdict, warning(e.message));
    }
  }

  #show(source) {
    const put = source === "api";
    swap(this.#source, put ? tag("from the API", "warn") : tag("from the file"),
      put && " They replace the rules of the file until they are dropped.");
    swap(this.#verdict, empty("Nothing is changed yet."));
    swap(this.#buttons, action({ label: "Apply", kind: "primary", run: () => this.#apply() }), put && action({
      label: "Back to the file's rules", kind: "danger", run: () => this.#drop(),
      confirm: "The rules that were put over the API are dropped, and the switches of rules, too. " +
        "Those of the configuration file hold again.",
    }));
    this.#number([]);
  }

  // number writes the numbers of the lines beside the text, and marks those with mistakes.
  #number(mistakes) {
    const bad = new Set(mistakes.map((m) => m.line));
    swap(this.#gutter, this.#text.value.split("\n").map((_, i) =>
      el("span", { class: bad.has(i + 1) ? "bad" : null }, `${bad.has(i + 1) ? "✗" : ""}${i + 1}\n`)));
    this.#text.setAttribute("aria-invalid", String(mistakes.length > 0));
  }

  #typed() {
    this.#settle();
    this.#number([]);
    swap(this.#verdict, empty("Validating…"));
    this.#timer = setTimeout(() => this.#validate(), pause);
  }

  async #validate() {
    const turn = ++this.#turn;
    const say = (...what) => turn === this.#turn && swap(this.#verdict, ...what);
    if (this.#text.value === this.#saved) return say(empty("Nothing is changed."));
    try {
      say(differences("It is valid. This would change:", await this.#put(true)));
    } catch (e) {
      if (turn === this.#turn) this.#refused(e);
    }
  }

  #put(dry) {
    const at = path("sites", this.#site, "rules") + (dry ? "?dry_run=true" : "");
    return change("PUT", at, this.#text.value, this.#etag);
  }

  async #apply() {
    this.#settle();
    try {
      const result = await this.#put(false);
      await this.load();
      swap(this.#verdict, differences("Applied. This was changed:", result));
      return "The rules are in force.";
    } catch (e) {
      this.#refused(e);
      throw e;
    }
  }

  async #drop() {
    this.#settle();
    try {
      const result = await change("DELETE", path("sites", this.#site, "rules"), undefined, this.#etag);
      await this.load();
      swap(this.#verdict, differences("The file's rules hold again. This was changed:", result));
    } catch (e) {
      this.#refused(e);
      throw e;
    }
  }

  #refused(e) {
    if (e.status === 412) return swap(this.#verdict, this.#lost());
    this.#number(e.mistakes);
    const all = e.mistakes.length > 0 ? e.mistakes : [{ path: "", problem: e.message }];
    swap(this.#verdict, el("div", { class: "alert" }, el("p", {}, "Nothing was changed. What is wrong:"),
      el("ul", { "aria-label": "Mistakes" }, all.map((m) =>
        el("li", {}, this.#place(m), m.path && [el("code", {}, m.path), ": "], m.problem)))));
  }

  #place(mistake) {
    const { line } = mistake;
    const go = () => this.#go(line);
    return line > 0 && [el("button", { type: "button", class: "quiet", onclick: go }, `line ${line}`), " "];
  }

  #go(line) {
    const lines = this.#text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((s, l) => s + l.length + 1, 0);
    this.#text.focus();
    this.#text.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    this.#text.scrollTop = (this.#text.scrollHeight / lines.length) * Math.max(0, line - 4);
  }

  // lost explains that somebody else was quicker.
  #lost() {
    const newest = async () => {
      const sure = await confirmed("Load the newest rules?", "What you have typed is dropped.", "Load them", true);
      if (sure) await this.load();
    };
    const compare = async () => {
      const set = await get(path("sites", this.#site, "rules"));
      this.#etag = set.etag;
      this.#validate();
    };
    const guarded = (f) => () => f().catch((e) => say(e.message, { bad: true }));
    return el("div", { class: "alert" }, el("p", {}, "Somebody else has changed the rules since you loaded them. " +
      "Nothing of yours was applied, and it is still here."), buttons(
      el("button", { type: "button", class: "primary", onclick: guarded(newest) }, "Load the newest"),
      el("button", { type: "button", onclick: guarded(compare) }, "Keep mine, and compare it with the newest")));
  }
}

const kinds = { added: "good", removed: "bad", changed: "warn", moved: "plain" };

function differences(heading, { changes }) {
  if (!changes?.length) return el("p", {}, "It is valid, and changes nothing.");
  const one = (c) => el("li", {}, tag(c.what, kinds[c.what]), " ", el("b", {}, c.rule),
    c.diff?.length > 0 && el("ul", {}, c.diff.map((d) => el("li", {}, el("code", {}, d)))));
  return el("div", {}, el("p", {}, heading), el("ul", { "aria-label": "Changes" }, changes.map(one)));
}
