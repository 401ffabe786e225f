// One message: what it says, laid out, and its exact bytes.

import { read, readBytes } from "./api.js";
import { button, el, failure, faint, square } from "./dom.js";
import { milliseconds } from "./format.js";
import { copy } from "./jobs.js";
import { view } from "./xml.js";

const MOST = 64 << 10; // bytes that are shown
const TABS = { read: "To read", bytes: "Exact bytes" };
let tab = "read";

export async function show(id, log, close, pick) {
  const m = await read(`/api/wire/messages/${id}?log=${log}`);
  const bytes = m.bytes ? await readBytes(`/api/wire/messages/${id}/bytes?log=${log}`) : new Uint8Array();
  const body = el("div", { class: "message-body" });
  const tabs = Object.entries(TABS).map(([name, words]) => button(null, words, () => turn(name), { "aria-pressed": String(tab === name) }));
  const turn = (name) => {
    tab = name;
    Object.keys(TABS).forEach((n, i) => tabs[i].setAttribute("aria-pressed", String(n === name)));
    body.replaceChildren(...content(m, bytes));
  };
  turn(tab);
  return [head(m, bytes, close, pick), el("div", { class: "segments", role: "group", "aria-label": "Form" }, ...tabs), body];
}

function head(m, bytes, close, pick) {
  const answers = m.answers ? button(null, `Answers message ${m.answers}`, () => pick(m.answers), { kind: "quiet small" }) : null;
  return el("header", el("div", el("h2", m.summary || m.kind),
    faint(`${m.incoming ? "from" : "to"} ${m.peer}, ${m.net}, ${m.bytes} bytes`, m.roundTripMs != null && `, ${milliseconds(m.roundTripMs)} after the question`), answers),
  el("span", { class: "tools" }, square("copy", "Copy its bytes as text", () => copy(latin(bytes), "Copied")), square("close", "Close", close)));
}

function content(m, bytes) {
  if (tab === "bytes") return [el("pre", { class: "code", tabIndex: 0 }, visible(latin(bytes.subarray(0, MOST))))];
  return [m.error && failure({ error: m.error }), m.head && el("pre", { class: "code head", tabIndex: 0 }, m.head), m.xml && view(m.xml), m.text && el("pre", { class: "code", tabIndex: 0 }, m.text),
    ...(m.notes ?? []).map((n) => el("p", { class: "note" }, n))].filter(Boolean);
}

// latin has one character for each byte, or the text if the bytes are UTF-8.
function latin(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

// visible makes what has no shape, or turns text around, be seen.
const visible = (words) => words.replace(/\r(?=\n)/g, "␍").replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `⟨${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
