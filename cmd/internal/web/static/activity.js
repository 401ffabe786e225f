// What happened, in sentences, the newest first.

import { $, bar, button, el, text } from "./dom.js";
import { copy } from "./jobs.js";
import { clock, mapping, plural } from "./format.js";
import * as store from "./store.js";

const MOST = 300;
let entries = [];
let list = null;

export function start() {
  list = el("ol", { class: "log" });
  const count = el("span", { class: "faint" });
  const node = el("details", { class: "card fold" },
    el("summary", el("h2", "What happened"), count),
    bar(
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

// changed is a line "change" in words: what became different, and how it became known.
export function changed({ change, source }) {
  const how = { live: "live", polling: "by polling", own: "from here" }[source];
  const text = (TELL[change.kind] ?? (() => ""))(change);
  if (text) take({ time: change.time, level: change.gateway === "gone" ? "bad" : "info", text: how ? `${text} (${how})` : text });
}

const TELL = {
  mappings({ added, removed }) {
    const was = new Map(removed.map((m) => [m.id, m]));
    const is = new Map(added.map((m) => [m.id, m]));
    const both = added.filter((m) => was.has(m.id));
    const [renewed, changed] = [both.filter((m) => isSame(m, was.get(m.id))), both.filter((m) => !isSame(m, was.get(m.id)))];
    return [some("added", added.filter((m) => !was.has(m.id))), some("changed", changed), some("renewed", renewed), some("removed", removed.filter((m) => !is.has(m.id)))].filter(Boolean).join(", ");
  },
  externalAddress: ({ externalAddress }) => `external address ${externalAddress || "none"}`,
  status: ({ status }) => `connection ${status}`,
  gateway: ({ gateway, reason }) => `router ${gateway}${reason ? `: ${reason}` : ""}`,
};

// isSame tells whether two mappings differ in nothing but their leases.
const isSame = (a, b) => ["internalClient", "internalPort", "enabled", "description"].every((name) => a[name] === b[name]);

const some = (what, list) => (list.length === 0 ? "" : `${what} ${list.length === 1 ? mapping(list[0]) : plural(list.length, "mapping")}`);

const words = (entry) => `${clock(entry.time)}  ${entry.text}`;

const item = (entry) => el("li", { data: { level: entry.level } }, el("time", clock(entry.time)), el("span", entry.text));

function draw() {
  list?.replaceChildren(...entries.map(item));
  store.set("activity", entries[0] ?? null);
}
