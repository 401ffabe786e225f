// The table of mappings: sorted, filtered, several chosen at once, by mouse and by keyboard.

import { attribute, el, show, text } from "./dom.js";
import { plural } from "./format.js";
import { List } from "./list.js";
import { bind, create, tick } from "./row.js";

const NARROW = window.matchMedia("(max-width: 760px)");
const LAST = Number.MAX_SAFE_INTEGER;
const COLUMNS = [
  { name: "enabled", words: "On", value: (m) => Number(!m.enabled) },
  { name: "description", words: "Description", value: (m) => m.description },
  { name: "protocol", words: "Protocol", value: (m) => m.protocol },
  { name: "externalPort", words: "External port", value: (m) => m.externalPort },
  { name: "internalClient", words: "Leads to", value: (m) => `${m.internalClient}:${m.internalPort}` },
  { name: "remoteHost", words: "From", value: (m) => m.remoteHost },
  { name: "expires", words: "Time left", value: (m) => (m.expires ? Date.parse(m.expires) : LAST) },
];

export class Grid {
  #rows = [];
  #chosen = new Set();
  #by = COLUMNS[3];
  #down = false;
  #words = "";
  #anchor = null;

  constructor({ onopen, onchoose, onaction }) {
    Object.assign(this, { onopen, onchoose, onaction });
    this.#make();
    this.list = new List(this.body, {
      create: () => create(this), bind: (row, item) => bind(row, item, this), key: (item) => item.id, height: () => (NARROW.matches ? 68 : 44),
    });
    this.list.covered = () => this.head.offsetHeight;
    this.body.addEventListener("keydown", (event) => this.#key(event));
    setInterval(() => this.list.visible(tick), 1000);
  }

  #make() {
    this.every = el("input", { type: "checkbox", "aria-label": "Select all that are shown", onchange: () => this.#choose(this.every.checked ? this.list.items : []) });
    this.headers = COLUMNS.map((c) => el("div", { role: "columnheader", class: `c-${c.name}` }, el("button", { type: "button", class: "sort", onclick: () => this.sort(c) }, c.words)));
    this.head = el("div", { role: "row", class: "head", "aria-rowindex": "1" }, el("div", { role: "columnheader", class: "c-select" }, this.every), ...this.headers,
      el("div", { role: "columnheader", class: "c-actions" }, el("span", { class: "unseen" }, "Actions")));
    this.body = el("div", { role: "rowgroup", class: "rows" });
    this.table = el("div", { role: "grid", class: "grid", "aria-label": "Port mappings", "aria-multiselectable": "true", "aria-describedby": "grid-keys" }, el("div", { role: "rowgroup" }, this.head), this.body);
    this.foot = el("p", { class: "foot faint", role: "status" });
    this.wait = el("div", { class: "waiting", hidden: true }, "Reading the router's table…");
    this.node = el("div", { class: "card grid-card" }, this.#order(), this.table, this.wait, this.foot,
      el("p", { id: "grid-keys", class: "keys faint" }, "Arrow keys move, Space selects, Enter edits, Delete removes, E switches on or off, R renews, / filters, N adds."));
  }

  // #order is for narrow screens, which have no headers.
  #order() {
    this.order = el("select", { id: "order", onchange: () => this.sort(COLUMNS[this.order.value], false) }, ...COLUMNS.map((c, i) => el("option", { value: i, selected: c === this.#by }, c.words)));
    return el("p", { class: "order" }, el("label", { for: "order" }, "Sorted by"), this.order);
  }

  get isNarrow() {
    return NARROW.matches;
  }

  show(rows) {
    this.#rows = rows.map((row) => ({ ...row, ends: row.expires ? Date.parse(row.expires) : 0, haystack: haystack(row) }));
    const ids = new Set(rows.map((row) => row.id));
    const left = [...this.#chosen].filter((id) => ids.has(id));
    const isLess = left.length < this.#chosen.size;
    this.#chosen = new Set(left);
    this.#arrange();
    if (isLess) this.onchoose(this.chosen());
  }

  filter(words) {
    this.#words = words;
    this.#arrange();
  }

  sort(column, down = column === this.#by && !this.#down) {
    this.#by = column;
    this.#down = down;
    this.#arrange();
  }

  reading(isReading) {
    show(this.wait, isReading);
  }

  chosen() {
    return this.#rows.filter((row) => this.#chosen.has(row.id));
  }

  isChosen(id) {
    return this.#chosen.has(id);
  }

  clear() {
    this.#choose([]);
  }

  flash(ids) {
    for (const id of ids) {
      const row = this.list.row(id);
      row?.classList.remove("fresh");
      if (row) requestAnimationFrame(() => row.classList.add("fresh"));
    }
  }

  #arrange() {
    const parts = this.#words.split(/\s+/).filter(Boolean);
    const items = parts.length ? this.#rows.filter((row) => parts.every((p) => row.haystack.includes(p))) : [...this.#rows];
    const sign = this.#down ? -1 : 1;
    for (const row of items) row.by = rank(this.#by.value(row));
    items.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : a.externalPort - b.externalPort || (a.id < b.id ? -1 : 1)));
    if (this.list.indexOf(this.list.current) < 0) this.list.current = null;
    this.list.current ??= items[0]?.id ?? null;
    this.list.show(items);
    this.#tellState(items);
  }

  #tellState(items) {
    COLUMNS.forEach((c, i) => attribute(this.headers[i], "aria-sort", c === this.#by ? (this.#down ? "descending" : "ascending") : null));
    this.table.setAttribute("aria-rowcount", items.length + 1);
    this.order.value = COLUMNS.indexOf(this.#by);
    text(this.foot, this.#words ? `${items.length.toLocaleString("en")} of ${plural(this.#rows.length, "mapping")}` : plural(this.#rows.length, "mapping"));
    this.#tellChoice();
  }

  #tellChoice() {
    const shown = this.list.items.filter((row) => this.#chosen.has(row.id)).length;
    this.every.checked = shown > 0 && shown === this.list.items.length;
    this.every.indeterminate = shown > 0 && shown < this.list.items.length;
  }

  #choose(items) {
    this.#chosen = new Set(items.map((row) => row.id));
    this.list.draw();
    this.#tellChoice();
    this.onchoose(this.chosen());
  }

  // toggle chooses a row or no more; with a range, all between it and the last one as well.
  toggle(id, range = false) {
    const chosen = !this.#chosen.has(id);
    const [a, b] = [this.list.indexOf(range ? this.#anchor ?? id : id), this.list.indexOf(id)].sort((x, y) => x - y);
    const next = new Set(this.#chosen);
    for (const row of this.list.items.slice(Math.max(a, 0), b + 1)) chosen ? next.add(row.id) : next.delete(row.id);
    this.#anchor = id;
    this.#choose(this.#rows.filter((row) => next.has(row.id)));
  }

  #key(event) {
    if (!event.target.matches("[role=row]") && event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const item = this.list.items[this.list.indexOf(this.list.current)];
    if (!item || event.altKey || event.metaKey) return;
    if (this.list.move(event.key));
    else if (event.key === " ") this.toggle(item.id, event.shiftKey);
    else if (event.key === "a" && event.ctrlKey) this.#choose(this.list.items);
    else if (event.key === "Escape") this.clear();
    else if (!this.#does(event.key, item)) return;
    event.preventDefault();
  }

  #does(key, item) {
    const rows = this.#chosen.size ? this.chosen() : [item];
    if (key === "Enter" && !item.gone) this.onopen(item);
    else if (key === "Delete") this.onaction("delete", rows);
    else if (key === "e") this.onaction(item.enabled ? "disable" : "enable", rows);
    else if (key === "r") this.onaction(item.gone ? "restore" : "renew", rows);
    else return false;
    return true;
  }
}

// rank is a value that < orders as people do: 9 before 10 within words as well.
const rank = (value) => (typeof value === "number" ? value : value.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(6, "0")));

const haystack = (row) =>
  `${row.description} ${row.protocol} ${row.externalPort} ${row.internalClient}:${row.internalPort} ${row.remoteHost || "anyone"} ${row.gone ?? ""} ${row.kept ? "kept" : ""}`.toLowerCase();
