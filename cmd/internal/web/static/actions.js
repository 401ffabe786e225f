// What can be done with chosen mappings.

import { post } from "./api.js";
import { confirm } from "./dialog.js";
import { code, el, faint } from "./dom.js";
import { mapping, plural } from "./format.js";
import { start, tell } from "./jobs.js";
import { isOwn } from "./row.js";

export const BATCH = [
  { name: "renew", icon: "renew", words: "Renew" },
  { name: "enable", icon: "check", words: "Switch on" },
  { name: "disable", icon: "pause", words: "Switch off" },
  { name: "keep", icon: "play", words: "Keep open" },
  { name: "unkeep", icon: "close", words: "Stop keeping" },
  { name: "delete", icon: "trash", words: "Delete", kind: "danger" },
];

// run does it, after a question where something is lost. It tells whether it was begun.
export async function run(name, rows) {
  const gone = rows.filter((row) => row.gone);
  const there = rows.filter((row) => !row.gone);
  switch (name) {
    case "delete": return remove(gone, there);
    case "restore": return begin("/api/drift/restore", gone);
    case "keep": case "unkeep": return keep(there, name === "keep");
    case "renew": if (gone.length) start("/api/drift/restore", { ids: ids(gone) });
  }
  return begin(`/api/mappings/${name}`, there, { foreign: !there.every(isOwn) });
}

const ids = (rows) => rows.map((row) => row.id);

function begin(path, rows, more = {}) {
  if (rows.length) start(path, { ids: ids(rows), ...more });
  return rows.length > 0;
}

async function keep(rows, on) {
  try {
    await post("/api/mappings/keep", { ids: ids(rows), on });
  } catch (error) {
    tell(error);
  }
  return true;
}

async function remove(gone, there) {
  if (there.length && !(await sure(there))) return false;
  if (gone.length) await post("/api/drift/forget", { ids: ids(gone) }).catch(tell);
  if (there.length) start("/api/mappings/delete", { ids: ids(there), foreign: !there.every(isOwn) });
  return true;
}

function sure(rows) {
  const others = rows.filter((row) => !isOwn(row));
  const what = rows.length === 1 ? `${rows[0].protocol} ${rows[0].externalPort}` : plural(rows.length, "mapping");
  return confirm(`Delete ${what}?`, [
    el("p", rows.length === 1 ? "The router will not let anybody in there any more." : "The router will not let anybody in at these ports any more."),
    el("ul", { class: "mappings" }, ...rows.slice(0, 8).map(item)),
    rows.length > 8 && faint(`and ${rows.length - 8} more`),
    others.length > 0 && el("p", { class: "warning" }, others.length === rows.length ? "Made by another host, which may rely on it and may make it anew." : `${plural(others.length, "of them was", "of them were")} made by another host, which may rely on it.`),
  ].filter(Boolean), `Delete ${rows.length === 1 ? "it" : plural(rows.length, "mapping")}`);
}

const item = (row) => el("li", code(mapping(row)), row.description && el("span", row.description));
