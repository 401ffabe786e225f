// The router's table as the stream tells it: parts, then changes.

import * as store from "./store.js";

let rows = new Map(); // by id
let reading = null; // the table that is being read, while another is shown
let frame = 0;

export const all = () => rows;
export const find = (id) => rows.get(id);

// take is a line "table". A table that is read for the first time is shown as it grows.
export function take(line) {
  if (line.from === 0) reading = new Map();
  for (const row of line.mappings) reading?.set(row.id, row);
  const first = store.get("table")?.at == null;
  if (line.state === "ready" || (first && reading)) rows = reading ?? rows;
  if (line.state !== "reading") reading = null;
  const at = line.state === "ready" ? line.at : store.get("table")?.at;
  store.set("table", { state: line.state, at, error: line.error, count: line.count });
  tell();
}

// change is a line "change" of kind mappings; it returns the ids that are new or other than before.
export function change({ removed, added }) {
  for (const row of removed) rows.delete(row.id);
  for (const row of added) rows.set(row.id, row);
  tell();
  return added.map((row) => row.id);
}

// restart forgets all: another stream, perhaps another router.
export function restart() {
  rows = new Map();
  reading = null;
  store.set("table", { state: "reading", at: null, error: null, count: -1 });
  tell();
}

// tell lets what happened within one frame be drawn once.
function tell() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    store.set("rows", rows);
  });
}
