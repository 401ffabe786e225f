// The section Emulator: the router in this program, and the faults of real ones as switches.

import { post, read } from "./api.js";
import { attribute, bar, button, el, entry, filter, form, number, show, spring, text } from "./dom.js";
import { confirm } from "./dialog.js";
import { field, pair, problem } from "./fields.js";
import { plural, ports } from "./format.js";
import { tell } from "./jobs.js";
import * as store from "./store.js";

let parts = null;
let words = "";

export function start(section) {
  parts = make();
  section.replaceChildren(el("div", { class: "columns even" }, parts.router, parts.other), parts.quirks);
  store.on("emulator", draw);
  read("/api/emulator/profiles").then(profiles, tell);
}

const send = (path, body) => post(`/api/emulator/${path}`, body).catch(tell);

function make() {
  const state = el("p", { class: "faint", role: "status" });
  const profile = el("select", { onchange: () => send("profile", { name: profile.value }) });
  const address = entry({ placeholder: "203.0.113.9, empty for none" });
  const change = () => {
    send("address", { address: address.value.trim() });
  };
  const router = el("div", { class: "card" }, el("h2", "Emulated router"), state, field("Its kind", profile),
    form(change, field("External address", address, { name: "address" }), bar(el("button", { type: "submit" }, "Change the address"))),
    bar(button("renew", "Reboot", () => send("reboot")), button("trash", "Forget all mappings", wipe, { kind: "danger" })));
  const switches = el("ul", { class: "switches" });
  const count = el("span", { class: "faint" });
  return { state, profile, address, router, other: another(), switches, count, quirks: el("div", { class: "card" }, el("header", el("h2", "Quirks"), count, spring(), filter("quirks", (typed) => ((words = typed), sift()))), switches) };
}

async function wipe() {
  if (await confirm("Forget all mappings?", [el("p", "The emulated router's table becomes empty, as after a factory reset.")], "Forget them")) send("wipe");
}

function another() {
  const port = number({ value: "25565" });
  const client = entry({ value: "192.168.1.77" });
  const description = entry({ value: "another host's" });
  const put = () => {
    const range = ports(port.value);
    problem(port, range.problem ?? "");
    if (range.problem) return;
    send("put", { protocol: "TCP", externalPort: range.first, count: range.last - range.first + 1, internalClient: client.value, internalPort: range.first, description: description.value, leaseSeconds: 3600, enabled: true });
  };
  return form(put, { class: "card" }, el("h2", "Another host opens a port"), pair(field("TCP port or range", port), field("The host", client)), field("Description", description), bar(el("button", { type: "submit" }, "Open it as that host")));
}

function profiles(all) {
  parts.profile.replaceChildren(...all.map((p) => el("option", { value: p.name }, `${p.name}: ${p.doc}`)));
  draw(store.get("emulator"));
}

function draw(line) {
  if (!line) return;
  text(parts.state, line.state === "rebooting" ? "Rebooting…" : `${plural(line.mappings, "mapping")}, external address ${line.external || "none"}${line.location ? `, at ${line.location}` : ""}`);
  parts.profile.value = line.profile;
  if (document.activeElement !== parts.address) parts.address.value = line.external;
  if (parts.switches.children.length !== line.quirks.length) parts.switches.replaceChildren(...line.quirks.map(quirk));
  line.quirks.forEach((q, i) => attribute(parts.switches.children[i].firstChild, "aria-checked", String(q.on)));
  sift();
}

function quirk(q) {
  const id = `quirk-${q.name}`;
  const flip = (event) => send("quirks", { name: q.name, on: event.currentTarget.getAttribute("aria-checked") !== "true" });
  return el("li", { data: { words: `${q.name} ${q.doc}`.toLowerCase() } }, el("button", { type: "button", role: "switch", class: "switch", "aria-labelledby": id, onclick: flip }),
    el("span", el("code", { id }, q.name), el("span", ` ${q.doc}`), q.restarts && el("small", { class: "faint" }, " Restarts the router.")));
}

function sift() {
  for (const item of parts.switches.children) show(item, item.dataset.words.includes(words));
  const on = (store.get("emulator")?.quirks ?? []).filter((q) => q.on).length;
  text(parts.count, on ? `${on} on` : "none on");
}
