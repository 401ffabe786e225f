// Parts of forms: a label, an input, what it means, and what is wrong with it.

import { $, attribute, el, show, text } from "./dom.js";
import * as store from "./store.js";

let serial = 0;

// field puts a label above an input and room for a problem below it. name is the server's word for it.
export function field(label, input, { hint, name } = {}) {
  const id = (input.id ||= `field-${++serial}`);
  const notes = [hint && el("small", { id: `${id}-hint`, class: "faint" }, hint), el("small", { id: `${id}-problem`, class: "problem", hidden: true })].filter(Boolean);
  input.setAttribute("aria-describedby", notes.map((n) => n.id).join(" "));
  return el("div", { class: "field", data: name ? { name } : {} }, el("label", { for: id }, label), input, ...notes);
}

export function problem(input, words) {
  const place = document.getElementById(`${input.id}-problem`) ?? $(".problem", input.closest(".field"));
  text(place, words);
  show(place, words !== "");
  attribute(input, "aria-invalid", words ? "true" : null);
}

export function choice(legend, name, options, chosen, onchange) {
  const inputs = options.map(([value, words]) => {
    const input = el("input", { type: "radio", name, value, checked: value === chosen, onchange });
    return el("label", input, el("span", words));
  });
  const node = el("fieldset", { class: "choice" }, el("legend", legend), el("div", ...inputs));
  return {
    node,
    get value() {
      return $("input:checked", node).value;
    },
    set value(value) {
      $(`input[value="${value}"]`, node).checked = true;
    },
  };
}

export const tick = (words, attributes = {}) => {
  const input = el("input", { type: "checkbox", ...attributes });
  return { input, node: el("label", { class: "tick" }, input, el("span", words)), get value() { return input.checked; } };
};

export const pair = (...fields) => el("div", { class: "pair" }, ...fields);

const LEASES = [[3600, "1 hour"], [4 * 3600, "4 hours"], [86400, "1 day"], [7 * 86400, "1 week"], [0, "until removed"]];

export function leases(seconds) {
  const known = LEASES.some(([s]) => s === seconds);
  const input = el("select", ...LEASES.map(([s, words]) => el("option", { value: s, selected: s === seconds }, words)),
    !known && el("option", { value: seconds, selected: true }, `${Math.round(seconds / 60)} min`), el("option", { value: "other" }, "other…"));
  const minutes = el("input", { type: "number", min: 1, max: 10080, value: 30, "aria-label": "Minutes", hidden: true });
  input.addEventListener("change", () => show(minutes, input.value === "other"));
  return { input, minutes, get value() { return input.value === "other" ? Number(minutes.value) * 60 : Number(input.value); } };
}

// risks are the ports of a range that had better not be open to everybody, in words, or "".
export function risks(first, last) {
  return (store.get("hello")?.risks ?? []).filter((r) => r.port >= first && r.port <= last).map((r) => r.what).join(", ");
}

export const isThisHost = (address) => address === "" || (store.get("hello")?.addresses ?? []).includes(address) || address === store.get("gateway")?.gateway?.localAddress;
