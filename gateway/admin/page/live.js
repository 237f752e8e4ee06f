import { el, empty, swap, warning } from "./dom.js";
import { every } from "./poll.js";

const period = 5000; // milliseconds

const pointer = { down: false };
addEventListener("pointerdown", () => { pointer.down = true; });
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pointer.down = false; });

// inUse tells whether somebody is just clicking, or has marked text in a node to copy it. Drawing the node anew would
// take both away.
export function inUse(node) {
  const marked = getSelection();
  return pointer.down || !marked.isCollapsed && node.contains(marked.anchorNode);
}

// live keeps a view true: it loads, and draws what came into the node. refresh does so at once; stop ends it. What
// cannot be loaded is said above what was there.
export function live(node, load, draw) {
  const problem = el("div", { role: "alert" });
  const body = el("div", { class: "view" }, empty("Asking the gateway…"));
  const turn = { newest: 0 }; // an answer that was overtaken is not drawn
  swap(node, problem, body);
  const update = async (byItself) => {
    const mine = ++turn.newest;
    try {
      const data = await load();
      if (mine !== turn.newest || byItself && inUse(node)) return; // it may have come into use meanwhile
      swap(body, draw(data, refresh));
      swap(problem);
    } catch (e) {
      if (mine !== turn.newest) return;
      swap(problem, warning(e.message));
      body.querySelector(":scope > .empty")?.remove();
    }
  };
  const refresh = () => update(false);
  return { refresh, stop: every(period, async () => inUse(node) || update(true)) };
}
