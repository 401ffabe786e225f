// What happened, in sentences, the newest first.

import { $, button, el, text } from "./dom.js";
import { copy } from "./jobs.js";
import { clock, plural } from "./format.js";
import * as store from "./store.js";

const MOST = 300;
let entries = [];
let list = null;

export function start() {
  list = el("ol", { class: "log" });
  const count = el("span", { class: "faint" });
  const node = el("details", { class: "card fold" },
    el("summary", {}, el("h2", {}, "What happened"), count),
    el("div", { class: "tools" },
      button("copy", "Copy", () => copy(entries.map(words).join("\n"), "Copied")),
      button("trash", "Clear", restart)),
    list);
  $("#activity").replaceChildren(node);
  store.on("activity", () => text(count, entries.length ? plural(entries.length, "line") : ""));
  draw();
}

export function restart() {
  entries = [];
  draw();
}

export function take(entry) {
  entries.unshift(entry);
  entries.length = Math.min(entries.length, MOST);
  list?.prepend(item(entry));
  while (list?.children.length > MOST) list.lastChild.remove();
  store.set("activity", entry);
}

const words = (entry) => `${clock(new Date(entry.time))}  ${entry.text}`;

const item = (entry) => el("li", { data: { level: entry.level } }, el("time", {}, clock(new Date(entry.time))), el("span", {}, entry.text));

function draw() {
  list?.replaceChildren(...entries.map(item));
  store.set("activity", entries[0] ?? null);
}
