import { el } from "./dom.js";

// dialog shows a form and gives what the button pressed stands for; null when it is dismissed.
function dialog(title, content, buttons) {
  return new Promise((resolve) => {
    const choose = (e) => {
      e.preventDefault();
      box.close(e.submitter?.value ?? buttons[0].value);
    };
    const closed = () => {
      box.remove();
      resolve(box.returnValue || null);
    };
    const box = el("dialog", { "aria-label": title, onclose: closed },
      el("form", { onsubmit: choose }, el("h2", {}, title), content, el("div", { class: "buttons" },
        buttons.map((b) => el("button", { value: b.value, class: b.class }, b.label)),
        el("button", { type: "button", onclick: () => box.close("") }, "Cancel"))));
    document.body.append(box);
    box.showModal();
  });
}

// confirmed asks whether something that cannot be taken back lightly is meant.
export async function confirmed(title, text, verb, danger) {
  const buttons = [{ value: "yes", label: verb, class: danger ? "danger" : "primary" }];
  return (await dialog(title, el("p", {}, text), buttons)) === "yes";
}

// askToken asks for the token; "" when it is not given.
export async function askToken(problem) {
  const input = el("input", {
    type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true,
    pattern: "[!-~]+", title: "letters, digits and signs, as a header can carry them",
  });
  const content = [
    el("p", {}, "It is admin.token of the configuration. It is kept in this tab until the tab is closed."),
    problem && el("p", { class: "alert", role: "alert" }, problem),
    el("label", { for: "token" }, "Token"), input,
  ];
  const given = await dialog("The token, please", content, [{ value: "yes", label: "Use token", class: "primary" }]);
  return given ? input.value.trim() : "";
}
