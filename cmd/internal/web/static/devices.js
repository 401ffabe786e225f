// The section Devices: all that UPnP offers on the network, as a tree; what each says of itself.

import { readText } from "./api.js";
import { open } from "./dialog.js";
import { $, attribute, bar, button, el, entry, failure, filter, form, link, spring, submitter, text } from "./dom.js";
import * as events from "./events.js";
import { device as fields, table } from "./facts.js";
import { field, problem } from "./fields.js";
import { plural } from "./format.js";
import { copy, run, start as job, tell } from "./jobs.js";
import { panel } from "./service.js";
import * as store from "./store.js";
import { view as xml } from "./xml.js";

let parts = null;
let chosen = null; // id of the device or service that is shown
let words = "";

export const event = events.take;

export function start(section) {
  parts = make();
  section.replaceChildren(parts.tools, el("div", { class: "split" }, parts.tree, parts.detail), events.node());
  store.on("devices", draw);
  if (!store.get("devices")?.devices.length) job("/api/devices/search", { target: "" });
}

function make() {
  const sieve = filter("devices", (typed) => ((words = typed), draw(store.get("devices"))));
  const target = entry({ placeholder: "all devices, or a URN", "aria-label": "What to search for" });
  const search = form(() => job("/api/devices/search", { target: target.value.trim() }), { class: "inline" }, target, submitter("Search"));
  const tools = bar(search, button("add", "Add by URL", byURL), spring(), sieve);
  const state = el("p", { class: "faint", role: "status" });
  const list = el("ul", { class: "tree" });
  return { tools, state, list, tree: el("nav", { class: "card", "aria-label": "Devices found" }, state, list), detail: el("div", { class: "card detail-device" }, el("p", { class: "blank faint" }, "Choose a device or a service.")) };
}

function byURL() {
  return open("Add a device", (close) => {
    const input = entry({ type: "url", placeholder: "http://192.168.1.1:5000/rootDesc.xml", autofocus: true });
    const submit = submitter("Add");
    const send = async () => {
      submit.disabled = true;
      const error = await run("/api/devices/add", { url: input.value.trim() }).then((j) => j.error, (e) => e.failure ?? { error: e.message });
      submit.disabled = false;
      if (!error) return close("done");
      problem(input, [error.error, error.hint].filter(Boolean).join(" "));
      input.focus();
    };
    return form(send, { class: "body" }, field("Address of its description", input, { name: "url", hint: "for devices that do not answer searches, or are on another network" }),
      el("footer", button(null, "Cancel", () => close("")), submit));
  });
}

function draw(line) {
  if (!line) return;
  const shown = line.devices.filter((d) => !words || JSON.stringify(d).toLowerCase().includes(words));
  const count = words ? `${shown.length} of ${plural(line.devices.length, "device")}` : plural(line.devices.length, "device");
  text(parts.state, line.searching ? `Searching… ${line.devices.length ? count : ""}` : line.devices.length ? count : "No device answered.");
  const focused = document.activeElement?.dataset?.id;
  parts.list.replaceChildren(...shown.map(branch));
  if (focused) $(`[data-id="${CSS.escape(focused)}"]`, parts.list)?.focus();
}

function branch(d) {
  const children = [...(d.services ?? []).map((s) => leaf(s.id, kind(s.type), "service", () => pick(s.id, () => panel(s)))), ...(d.devices ?? []).map(branch)];
  const facts = d.error ? "no description" : kind(d.deviceType ?? "");
  return el("li", twig(d.id, d.friendlyName || d.location, "device", () => pick(d.id, () => about(d)), facts), children.length > 0 && el("ul", ...children));
}

const leaf = (...all) => el("li", twig(...all));

function twig(id, name, what, onclick, more) {
  return el("button", { type: "button", class: `twig ${what}`, data: { id }, "aria-current": id === chosen ? "true" : null, onclick }, el("span", name), more && el("small", { class: "faint" }, more));
}

const kind = (urn) => urn.split(":").slice(-2).join(":");

async function pick(id, build) {
  chosen = id;
  for (const b of parts.list.querySelectorAll("button")) attribute(b, "aria-current", b.dataset.id === id ? "true" : null);
  try {
    const nodes = await build();
    if (chosen === id) parts.detail.replaceChildren(...nodes);
  } catch (error) {
    tell(error);
  }
  if (window.matchMedia("(max-width: 760px)").matches) parts.detail.scrollIntoView();
}

function about(d) {
  return [
    el("header", el("h2", d.friendlyName || "Device"), bar(d.presentationUrl && el("span", link(d.presentationUrl, "Its own page")), button(null, "Show XML", () => showXML("Description", `/api/devices/${encodeURIComponent(d.id)}/xml`)))),
    d.error && failure({ error: d.error }), table([["Answers at", d.address], ...fields(d)]), ...(d.notes ?? []).map((n) => el("p", { class: "note" }, n)),
  ].filter(Boolean);
}

export async function showXML(title, path) {
  try {
    const words = await readText(path);
    await open(title, () => el("div", { class: "body" }, xml(words), el("footer", button("copy", "Copy", () => copy(words, "Copied")))), { wide: true });
  } catch (error) {
    tell(error);
  }
}
