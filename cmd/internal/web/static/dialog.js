// Dialogs: one at a time, closed by Escape, giving the focus back to where it was.

import { button, el, square } from "./dom.js";

let serial = 0;

// open shows a dialog and resolves with the value of what closed it, or "" when it was dismissed.
// build(close) returns its content.
export function open(title, build, { wide = false } = {}) {
  const id = `dialog-${++serial}`;
  const node = el("dialog", { class: wide ? "wide" : null, "aria-labelledby": id });
  const close = (value) => node.close(value);
  node.append(el("header", el("h2", { id }, title), square("close", "Close", () => close(""))), ...[build(close)].flat());
  document.body.append(node);
  const back = document.activeElement;
  node.showModal();
  return new Promise((resolve) => {
    node.addEventListener("close", () => {
      node.remove();
      if (back?.isConnected) back.focus();
      resolve(node.returnValue);
    });
  });
}

// confirm asks a question whose answer does something that cannot be undone. The harmless answer has the focus.
export async function confirm(title, content, yes) {
  const answer = await open(title, (close) => [
    el("div", { class: "body" }, ...content),
    el("footer",
      button(null, "Cancel", () => close(""), { autofocus: true }),
      button(null, yes, () => close("yes"), { kind: "danger" })),
  ]);
  return answer === "yes";
}
