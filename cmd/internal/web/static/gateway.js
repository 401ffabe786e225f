// The router: its address, its connection, its traffic, and all it says of itself. Before there is
// one: the search, and what to do when it found nothing.

import { $, attribute, button, el, show, square, text } from "./dom.js";
import { facts } from "./facts.js";
import { bytes, duration, rate } from "./format.js";
import { Graph } from "./graph.js";
import { copy, start as job } from "./jobs.js";
import { none, seeking } from "./search.js";
import * as store from "./store.js";

const CLASSES = {
  private: "A private address: this router is behind another one, and a port opened here cannot be reached from the Internet unless the other one forwards it too.",
  carrier: "An address shared by the provider's customers (carrier-grade NAT): ports opened here cannot be reached from the Internet.",
  none: "The router tells no external address. Ports may be open all the same.",
};

let view = null;

export function start() {
  for (const topic of ["search", "gateway"]) store.on(topic, draw);
  store.on("gateway", head);
  store.on("search", head);
  setInterval(uptime, 1000);
}

function head() {
  const [state, words] = condition();
  const [dot, label] = $("#where").children;
  dot.dataset.state = state;
  text(label, words);
  document.title = store.get("gateway")?.gateway ? `${store.get("gateway").gateway.friendlyName}: upnp` : "upnp";
}

function condition() {
  const { state, gateway } = store.get("gateway") ?? { state: "none" };
  if (gateway && state === "lost") return ["bad", `${gateway.friendlyName} does not answer`];
  if (gateway && state === "ready") return gateway.connected ? ["good", gateway.friendlyName] : ["warn", `${gateway.friendlyName}: ${gateway.status.connection || "status unknown"}`];
  if (gateway) return ["busy", gateway.friendlyName];
  return store.get("search")?.state === "none" ? ["bad", "No router found"] : ["busy", "Looking for your router…"];
}

function draw() {
  const line = store.get("gateway");
  const search = store.get("search");
  if (line?.gateway) ready(line);
  else if (search?.state === "none") replace("none", none(search));
  else if (search) replace("seeking", seeking(search));
}

function replace(name, nodes) {
  view = null;
  const card = $("#gateway");
  if (card.dataset.view === name && card.contains(document.activeElement)) return;
  card.dataset.view = name;
  card.replaceChildren(...nodes);
}

function ready(line) {
  if (!view) {
    view = make();
    $("#gateway").dataset.view = "ready";
    $("#gateway").replaceChildren(...view.nodes);
  }
  fill(view, line);
}

function make() {
  const v = {
    external: address("External address", true), local: address("This computer"),
    status: el("dd"), uptime: el("dd"), warning: el("p", { class: "warning", role: "note" }), lost: lostNote(),
    graph: new Graph(), down: el("dd"), up: el("dd"), downTotal: el("dd", { class: "faint" }), upTotal: el("dd", { class: "faint" }), facts: el("div", { class: "facts" }),
  };
  const numbers = el("dl", { class: "numbers" },
    el("div", el("dt", "Internet"), v.status), el("div", el("dt", "Connected for"), v.uptime),
    el("div", { class: "is-down" }, el("dt", "Receiving"), v.down, v.downTotal), el("div", { class: "is-up" }, el("dt", "Sending"), v.up, v.upTotal));
  v.nodes = [v.lost, el("div", { class: "summary" }, el("div", { class: "addresses" }, v.external.node, v.local.node), el("div", { class: "traffic" }, v.graph.node, numbers)),
    v.warning, el("details", { class: "fold" }, el("summary", el("h2", "All the router says of itself")), v.facts)];
  return v;
}

function address(label, isBig = false) {
  const value = el("span", { class: "address-value" });
  const node = el("div", { class: isBig ? "address big" : "address" }, el("span", { class: "label" }, label),
    el("span", { class: "row" }, value, square("copy", `Copy ${label.toLowerCase()}`, () => copy(value.textContent))));
  return { node, value };
}

function lostNote() {
  const why = el("p");
  return el("div", { class: "notice bad", hidden: true },
    el("div", el("p", el("strong", "The router does not answer any more.")), why),
    button("renew", "Look again", () => job("/api/search", { target: "" })));
}

function fill(v, { state, reason, gateway }) {
  showAddress(v.external, gateway.externalAddress, state === "reading");
  showAddress(v.local, gateway.localAddress, false);
  text(v.status, gateway.status.connection || (state === "reading" ? "…" : "unknown"));
  attribute(v.status, "data-state", gateway.connected ? "good" : state === "reading" ? "busy" : "warn");
  text(v.warning, state === "reading" ? "" : CLASSES[gateway.addressClass] ?? "");
  show(v.warning, v.warning.textContent !== "");
  show(v.lost, state === "lost");
  text($("p:last-child", v.lost), reason ? `It says nothing since: ${reason}` : "What you see is how it was last seen.");
  v.facts.replaceChildren(...facts(gateway, store.get("search")));
  v.since = Date.now() - gateway.status.uptimeSeconds * 1000;
  v.isUp = state !== "reading" && gateway.connected;
  uptime();
  if (!v.measured) traffic(null);
}

function showAddress({ node, value }, words, isReading) {
  text(value, words || (isReading ? "…" : "none told"));
  show($("button", node), Boolean(words));
}

function uptime() {
  if (view) text(view.uptime, view.isUp ? duration((Date.now() - view.since) / 1000) : "–");
}

// traffic is a line "traffic", or null before there is one.
export function traffic(line) {
  if (!view) return;
  const known = line && !line.error;
  view.measured ||= known;
  text(view.down, known ? rate(line.receiveRate) : "…");
  text(view.up, known ? rate(line.sendRate) : "…");
  text(view.downTotal, known ? `${bytes(line.bytesReceived)} in all` : line?.error ? "not told" : "");
  text(view.upTotal, known ? `${bytes(line.bytesSent)} in all` : line?.error ? "not told" : "");
  if (known) view.graph.add(line.receiveRate, line.sendRate);
}
