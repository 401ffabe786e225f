// What subscribed services told, the newest first.

import { post } from "./api.js";
import { button, el, filter, show, spring, text, square } from "./dom.js";
import { clock, plural } from "./format.js";
import { copy, tell } from "./jobs.js";
import * as store from "./store.js";

const MOST = 500;
let entries = [];
let words = "";
let parts = null;

export function node() {
  const count = el("span", { class: "faint" });
  const list = el("ol", { class: "log events" });
  const open = el("ul", { class: "subscriptions" });
  parts = { list, count, open };
  store.on("subscriptions", subscriptions);
  draw();
  return el("div", { class: "card" }, el("header", el("h2", "Events"), count, spring(), filter("events", (typed) => ((words = typed), draw())),
    button("copy", "Copy", () => copy(shown().map(line).join("\n"), "Copied")), button("trash", "Clear", () => ((entries = []), draw()))), open, list);
}

export function take(event) {
  entries.unshift(event);
  entries.length = Math.min(entries.length, MOST);
  if (parts) draw();
}

const shown = () => (words ? entries.filter((e) => line(e).toLowerCase().includes(words)) : entries);
const line = (e) => `${clock(e.time)} ${e.name} ${e.properties.map((p) => `${p.name}=${p.value}`).join(" ")}`;

function draw() {
  const all = shown();
  text(parts.count, entries.length ? plural(all.length, "event") : "");
  parts.list.replaceChildren(...(all.length ? all.map(item) : [el("li", { class: "faint" }, entries.length ? "No event has these words in it." : "None yet. Subscribe to a service that has events.")]));
}

function item(e) {
  return el("li", el("time", clock(e.time)), el("div", el("strong", e.name), el("span", { class: "faint" }, ` number ${e.seq}`),
    el("dl", { class: "facts" }, ...e.properties.map((p) => el("div", el("dt", p.name), el("dd", p.value))))));
}

function subscriptions(message) {
  const stop = (s) => square("close", `Stop listening to ${s.name}`, () => post(`/api/subscriptions/${encodeURIComponent(s.id)}/close`).catch(tell));
  parts.open.replaceChildren(...message.subscriptions.map((s) => el("li", { class: "tag", data: { state: s.state === "open" ? "good" : "bad" } }, s.name, s.state === "open" ? stop(s) : ` ${s.state}${s.reason ? `: ${s.reason}` : ""}`)));
  show(parts.open, message.subscriptions.length > 0);
}
