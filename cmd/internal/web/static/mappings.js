// The section Mappings: the router's table, what can be done with it, and whether it follows by itself.

import { $, button, el, failure, filter, show, spring, text } from "./dom.js";
import * as actions from "./actions.js";
import * as activity from "./activity.js";
import * as drift from "./drift.js";
import { edit } from "./edit.js";
import { add } from "./form.js";
import { clock, plural } from "./format.js";
import { Grid } from "./grid.js";
import { post } from "./api.js";
import { start as job, tell } from "./jobs.js";
import * as store from "./store.js";
import * as table from "./table.js";
import { exporting, importing } from "./transfer.js";

let grid = null;
let parts = null;

export function start() {
  grid = new Grid({ onopen: edit, onchoose: choose, onaction: act });
  parts = make();
  $("#table").replaceChildren(parts.tools, parts.following, grid.node, parts.empty);
  activity.start();
  drift.start();
  for (const topic of ["rows", "drift", "kept", "hello"]) store.on(topic, fill);
  for (const topic of ["table", "gateway", "rows", "drift"]) store.on(topic, state);
  for (const topic of ["following", "activity", "table"]) store.on(topic, follow);
  document.addEventListener("keydown", shortcut);
}

function make() {
  const words = filter("the table", (typed) => grid.filter(typed));
  const usual = el("div", { class: "tools usual" },
    button("add", "Add", () => add(), { kind: "primary" }), words, spring(),
    button("upload", "Import", importing), button("download", "Export", exporting), button("renew", "Refresh", () => job("/api/refresh")));
  const count = el("strong");
  const chosen = el("div", { class: "tools chosen", hidden: true, role: "toolbar", "aria-label": "With the selected" }, count,
    ...actions.BATCH.map((a) => button(a.icon, a.words, () => act(a.name, grid.chosen()), { kind: a.kind })),
    spring(), button(null, "Clear selection", () => grid.clear(), { kind: "quiet" }));
  return { tools: el("div", { class: "toolbox" }, usual, chosen), usual, chosen, count, words, ...line(), empty: el("div", { class: "card blank", hidden: true }) };
}

function line() {
  const box = el("input", { type: "checkbox", id: "following", checked: true, onchange: () => post("/api/following", { on: box.checked }).catch(tell) });
  const source = el("span", { class: "tag", hidden: true });
  const last = el("span", { class: "last", role: "status" });
  const offer = button("renew", "Refresh", () => job("/api/refresh"), { hidden: true, kind: "quiet" });
  return { box, source, last, offer, following: el("p", { class: "following" }, el("label", box, el("span", "Automatically listen for changes")), source, last, offer) };
}

function follow() {
  const following = store.get("following");
  if (!following) return;
  parts.box.checked = following.on;
  text(parts.source, following.source);
  parts.source.dataset.state = following.source;
  parts.source.title = following.reason ?? "";
  show(parts.source, following.on && Boolean(following.source));
  show(parts.offer, !following.on);
  text(parts.last, following.on ? latest(following) : stale());
}

function latest(following) {
  const last = store.get("activity");
  if (last) return `${clock(last.time)} ${last.text}`;
  return following.source === "polling" && following.reason ? `Asking now and then: ${following.reason}` : "";
}

function stale() {
  const at = store.get("table")?.at;
  return at ? `The table is as of ${clock(at)}; changes by others are not seen.` : "";
}

function fill() {
  const kept = new Map((store.get("kept")?.mappings ?? []).map((k) => [k.id, k]));
  const rows = [...table.all().values()].map((row) => ({ ...row, kept: kept.get(row.id) }));
  const gone = (store.get("drift")?.mappings ?? []).filter((row) => row.reason !== "changed");
  grid.show([...rows, ...gone.filter((row) => !table.find(row.id)).map((row) => ({ ...row, gone: row.reason, kept: kept.get(row.id) }))]);
}

function state() {
  const { state: now, error } = store.get("table") ?? { state: "reading" };
  const rows = table.all().size + (store.get("drift")?.mappings.length ?? 0);
  const hasGateway = Boolean(store.get("gateway")?.gateway);
  show(parts.tools, hasGateway);
  show(parts.following, hasGateway);
  show(grid.node, hasGateway && (rows > 0 || now === "reading"));
  show(parts.empty, hasGateway && rows === 0 && now !== "reading");
  grid.reading(now === "reading" && rows === 0);
  if (now === "failed") blank(failure(error), button("renew", "Try again", () => job("/api/refresh")));
  else blank(el("h2", "No ports are open"), el("p", "Nothing on the Internet can begin to talk to this network. Programs may open ports by themselves; you open one here."), button("add", "Open a port", () => add(), { kind: "primary" }));
}

function blank(...nodes) {
  parts.empty.replaceChildren(...nodes);
}

export function change(message) {
  activity.changed(message);
  if (message.change.kind !== "mappings") return;
  const ids = table.change(message.change);
  if (ids.length <= 20) requestAnimationFrame(() => grid?.flash(ids));
}

function choose(rows) {
  show(parts.usual, rows.length === 0);
  show(parts.chosen, rows.length > 0);
  text(parts.count, plural(rows.length, "selected", "selected"));
}

async function act(name, rows) {
  if (!rows.length) return;
  if (await actions.run(name, rows)) grid.clear();
}

// shortcut: slash leads to the filter and n adds, unless somebody types.
function shortcut(event) {
  if ($("#mappings").hidden || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const does = { "/": () => parts.words.focus(), n: () => add() }[event.key];
  if (!does || parts.tools.hidden) return;
  event.preventDefault();
  does();
}
