// One row of the table of mappings.

import { attribute, button, el, show, text, square } from "./dom.js";
import { duration, endpoint } from "./format.js";
import * as store from "./store.js";

const KEPT = {
  asking: "being opened", open: "kept open", renewed: "kept open", lost: "lost, being restored", conflict: "taken by another host",
  unverified: "kept, not confirmed", refused: "refused by the router", removed: "removed", left: "left to another host",
};
const GONE = { expired: "expired", missing: "missing" };
const SOON = 60; // seconds left from which on a lease looks short

const now = () => Date.now() + (store.get("skew") ?? 0);
const parts = new WeakMap();

export const isOwn = (m) => m.mine || (store.get("hello")?.addresses ?? []).includes(m.internalClient);

export function create(grid) {
  const row = el("div", { role: "row", class: "line", tabIndex: -1 });
  const item = () => parts.get(row).item;
  const p = {
    select: el("input", { type: "checkbox" }), power: el("button", { type: "button", role: "switch", class: "switch" }),
    description: el("span", { class: "words" }), badge: el("span", { class: "tag" }), kept: el("span", { class: "tag" }),
    protocol: el("span"), port: el("span"), client: el("span"), target: el("span", { class: "unseen", "aria-hidden": "true" }), remote: el("span"), left: el("span"),
    edit: square("edit", "Edit", () => grid.onopen(item())),
    trash: square("trash", "Delete", () => grid.onaction("delete", [item()])),
    restore: button("renew", "Restore", () => grid.onaction("restore", [item()]), { kind: "small" }),
  };
  parts.set(row, p);
  p.select.addEventListener("click", (event) => grid.toggle(item().id, event.shiftKey));
  p.power.addEventListener("click", () => grid.onaction(item().enabled ? "disable" : "enable", [item()]));
  row.addEventListener("focusin", () => current(grid, row));
  const open = (event) => event.target.closest("button, input") || item().gone || grid.onopen(item());
  row.addEventListener("dblclick", open);
  row.addEventListener("click", (event) => grid.isNarrow && open(event));
  row.append(...cells(p));
  return row;
}

function cells(p) {
  const cell = (name, ...content) => el("div", { role: "gridcell", class: `c-${name}` }, ...content);
  return [cell("select", p.select), cell("enabled", p.power), cell("description", p.description, p.badge, p.kept), cell("protocol", p.protocol), cell("externalPort", p.port),
    cell("internalClient", p.target, p.client), cell("remoteHost", p.remote), cell("expires", p.left), cell("actions", p.restore, p.edit, p.trash)];
}

// current makes a row the one that Tab leads to.
function current(grid, row) {
  const { item } = parts.get(row);
  if (grid.list.current === item.id) return;
  grid.list.current = item.id;
  grid.list.visible((other) => reach(other, other === row));
}

function reach(row, isCurrent) {
  const p = parts.get(row);
  row.tabIndex = isCurrent ? 0 : -1;
  for (const control of [p.select, p.power, p.edit, p.trash, p.restore]) control.tabIndex = isCurrent ? 0 : -1;
}

export function bind(row, item, grid) {
  const p = parts.get(row);
  const state = `${grid.isChosen(item.id)} ${grid.list.current === item.id}`;
  if (p.item === item && p.state === state) return;
  if (p.item?.id !== item.id) row.classList.remove("fresh");
  Object.assign(p, { item, state });
  const name = `${item.protocol} ${item.externalPort}`;
  words(p, item);
  marks(p, item);
  p.select.checked = grid.isChosen(item.id);
  attribute(p.select, "aria-label", `Select ${name}`);
  attribute(p.power, "aria-checked", String(item.enabled));
  attribute(p.power, "aria-label", `${name} forwards`);
  attribute(row, "aria-selected", String(grid.isChosen(item.id)));
  attribute(row, "data-gone", item.gone ?? null);
  attribute(p.edit, "aria-label", `Edit ${name}`);
  attribute(p.trash, "aria-label", item.gone ? `Forget ${name}` : `Delete ${name}`);
  for (const control of [p.power, p.edit]) show(control, !item.gone);
  show(p.restore, Boolean(item.gone));
  reach(row, grid.list.current === item.id);
  tick(row, item);
}

function words(p, item) {
  text(p.description, item.description || "no description");
  p.description.classList.toggle("faint", !item.description);
  attribute(p.description, "title", item.description || null);
  text(p.protocol, item.protocol);
  text(p.port, item.externalPort);
  text(p.target, `${item.protocol} ${item.externalPort} → `);
  text(p.client, endpoint(item.internalClient, item.internalPort));
  text(p.remote, item.remoteHost || "anyone");
  p.remote.classList.toggle("faint", !item.remoteHost);
}

function marks(p, item) {
  const own = isOwn(item);
  text(p.badge, own ? "" : "other host");
  attribute(p.badge, "data-state", own ? null : "other");
  show(p.badge, !own);
  text(p.kept, item.kept ? KEPT[item.kept.state] ?? item.kept.state : "");
  attribute(p.kept, "data-state", item.kept?.error || item.kept?.state === "lost" ? "bad" : "good");
  attribute(p.kept, "title", item.kept?.reason || null);
  show(p.kept, Boolean(item.kept));
}

export function tick(row, item) {
  const { left } = parts.get(row);
  const seconds = (item.ends - now()) / 1000;
  text(left, item.gone ? GONE[item.gone] ?? item.gone : item.ends ? duration(seconds) : "no end");
  left.classList.toggle("soon", Boolean(item.ends) && seconds < SOON && !item.kept);
  left.classList.toggle("faint", !item.ends && !item.gone);
}
