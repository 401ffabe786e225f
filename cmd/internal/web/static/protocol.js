// The section Protocol: every message as a ladder between this computer and its peers.

import { post, read, save, upload } from "./api.js";
import { attribute, bar, button, el, filter, show, spring, text } from "./dom.js";
import { clock, milliseconds, plural } from "./format.js";
import { tell } from "./jobs.js";
import { List } from "./list.js";
import * as message from "./message.js";

const MOST = 20000; // messages of the live log that the page keeps
const PAGE = 500;

let live = [];
let log = { id: "live", messages: live, more: false };
let paused = false;
let missed = 0;
let words = "";
let view = null;

export function start(section) {
  view = make();
  section.replaceChildren(view.tools, view.about, el("div", { class: "split" }, view.ladder, view.detail));
  view.list = new List(view.rows, { create, bind, key: (m) => m.id, height: () => 34 });
  view.rows.addEventListener("keydown", keys);
  draw();
}

function make() {
  const sieve = filter("messages", (typed) => ((words = typed), draw()));
  const pause = button("pause", "Pause", toggle, { "aria-pressed": "false" });
  const file = el("input", { type: "file", accept: ".wire", class: "unseen", "aria-label": "A .wire file", tabIndex: -1, onchange: () => openFile(file) });
  const back = button("play", "Back to live", () => choose({ id: "live", messages: live, more: false }), { hidden: true, kind: "primary" });
  const clear = button("trash", "Clear", () => post("/api/wire/clear").catch(tell));
  const tools = bar(sieve, pause, clear, spring(), back,
    button("download", "Download .wire", () => save(`/api/wire/download?log=${log.id}`, log.id === "live" ? "session.wire" : log.name).catch(tell)), button("upload", "Open .wire", () => file.click()), file);
  const rows = el("div", { role: "rowgroup", class: "rows" });
  const older = button("down", "Earlier messages", earlier, { kind: "quiet", hidden: true });
  const empty = el("p", { class: "blank faint" });
  const ladder = el("div", { class: "card ladder", data: { scrolls: "" }, tabIndex: 0, role: "region", "aria-label": "Messages", onscroll: stick }, older, empty,
    el("div", { role: "grid", "aria-label": "Messages" }, head(), rows));
  return { tools, pause, back, clear, rows, older, empty, ladder, about: el("p", { class: "faint about", role: "status" }), detail: el("div", { class: "card detail", hidden: true }) };
}

const head = () => el("div", { role: "rowgroup", class: "head" }, el("div", { role: "row", class: "message" }, ...["Time", "Direction", "Peer", "Message", "Size", "Round trip"].map((w, i) => el("div", { role: "columnheader", class: `m-${i}` }, w))));

export function restart() {
  live.length = 0;
  missed = 0;
  if (view && log.id === "live") draw();
}

export function cleared() {
  restart();
}

export function take(line) {
  missed += line.missed;
  live.push(...line.messages);
  if (live.length > MOST) live.splice(0, live.length - MOST);
  if (view && log.id === "live" && !paused) draw();
}

function toggle() {
  paused = !paused;
  attribute(view.pause, "aria-pressed", paused);
  view.pause.replaceChildren(...button(paused ? "play" : "pause", paused ? "Go on" : "Pause").childNodes);
  draw();
}

function draw() {
  const isNearEnd = sticks;
  const messages = words ? log.messages.filter((m) => haystack(m).includes(words)) : log.messages;
  view.list.show([...messages]);
  text(view.empty, messages.length ? "" : words ? "No message has these words in it." : log.id === "live" ? "Nothing said yet. Whatever this program sends or hears appears here." : "No messages in this file.");
  show(view.empty, !messages.length);
  show(view.older, Boolean(log.more));
  text(view.about, about(messages.length));
  if (isNearEnd && log.id === "live" && !paused) view.ladder.scrollTop = view.ladder.scrollHeight;
}

function about(count) {
  const file = log.id === "live" ? "" : `${log.name}${log.warning ? ` (${log.warning})` : ""}: `;
  return `${file}${plural(count, "message")}${missed && log.id === "live" ? `, ${missed} missed` : ""}${paused ? ", paused" : ""}`;
}

const haystack = (m) => (m.haystack ??= `${m.summary} ${m.peer} ${m.local} ${m.kind} ${m.net} ${m.error ?? ""}`.toLowerCase());

let sticks = true;

function stick() {
  const { scrollTop, clientHeight, scrollHeight } = view.ladder;
  sticks = scrollTop + clientHeight > scrollHeight - 80;
}

function create() {
  const cells = Array.from({ length: 6 }, (_, i) => el("div", { role: "gridcell", class: `m-${i}` }));
  const row = el("div", { role: "row", class: "message", tabIndex: -1, onclick: () => pick(Number(row.dataset.id)) }, ...cells);
  cells[1].append(el("span", { class: "arrow", role: "img" }));
  return row;
}

function bind(row, m) {
  const [time, arrow, peer, summary, size, trip] = row.children;
  row.dataset.id = m.id;
  row.dataset.way = m.incoming ? "in" : "out";
  attribute(row, "data-error", m.error || m.refused ? "" : null);
  attribute(row, "aria-selected", String(m.id === view.list.current && !view.detail.hidden));
  row.tabIndex = m.id === view.list.current || view.list.current === null ? 0 : -1;
  text(time, `${clock(m.time)}.${String(new Date(m.time).getMilliseconds()).padStart(3, "0")}`);
  attribute(arrow.firstChild, "aria-label", m.incoming ? "received" : "sent");
  text(peer, m.peer);
  text(summary, m.error ? `${m.summary} ${m.error}`.trim() : m.summary);
  text(size, m.bytes ? `${m.bytes} B` : "");
  text(trip, milliseconds(m.roundTripMs));
}

function keys(event) {
  const moved = view.list.move(event.key);
  if (moved) view.detail.hidden || pick(moved.id);
  else if (event.key === "Enter" || event.key === " ") pick(Number(event.target.closest(".message").dataset.id));
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
}

async function pick(id) {
  view.list.current = id;
  show(view.detail, true);
  view.list.draw();
  try {
    const nodes = await message.show(id, log.id, close, pick);
    if (view.list.current === id) view.detail.replaceChildren(...nodes);
  } catch (error) {
    tell(error);
  }
}

function close() {
  show(view.detail, false);
  view.list.draw();
  view.list.row(view.list.current)?.focus();
}

export function see(id) {
  location.hash = "#protocol";
  if (!view) return setTimeout(see, 20, id); // the section is made when its address is seen
  if (log.id !== "live") choose({ id: "live", messages: live, more: false });
  view.list.reveal(id);
  pick(id);
}

async function openFile(file) {
  const [chosen] = file.files;
  file.value = "";
  if (!chosen) return;
  try {
    const opened = await upload(`/api/wire/open?name=${encodeURIComponent(chosen.name)}`, chosen);
    const { messages, more } = await read(`/api/wire/messages?log=${opened.log}&limit=${PAGE}`);
    choose({ id: opened.log, name: opened.name, warning: opened.warning, messages, more });
  } catch (error) {
    tell(error);
  }
}

function choose(other) {
  log = other;
  sticks = log.id === "live";
  view.list.current = null;
  show(view.detail, false);
  show(view.back, log.id !== "live");
  for (const control of [view.pause, view.clear]) show(control, log.id === "live");
  draw();
}

async function earlier() {
  try {
    const { messages, more } = await read(`/api/wire/messages?log=${log.id}&before=${log.messages[0].id}&limit=${PAGE}`);
    log.messages.unshift(...messages);
    log.more = more;
    draw();
  } catch (error) {
    tell(error);
  }
}
