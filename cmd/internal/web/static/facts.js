// Every field of the router, as upnp info prints them.

import { button, el, link } from "./dom.js";
import { bits, bytes } from "./format.js";
import { start as job } from "./jobs.js";

const yesNo = (b) => (b ? "yes" : "no");

export function facts(g, search) {
  return [
    section("Connection", connection(g)),
    section("Device", device(g)),
    section("Can it", g.abilities?.map((a) => [a.name, `${yesNo(a.can)} (${a.how})`])),
    ...(g.services ?? []).map((s) => section(s.inUse ? "Service in use" : "Service", service(s))),
    ...(g.devices ?? []).filter((d) => !d.isRoot).map((d) => section(`Device ${d.friendlyName}`, device(d))),
    section("Did not tell", Object.entries(g.untold ?? {})),
    section("Not chosen", (g.others ?? []).map((o) => [o.location, el("span", [o.friendlyName, o.reason].filter(Boolean).join(": "), " ", button(null, "Use it", () => job("/api/search", { target: o.location }), { kind: "small" }))])),
    section("Searched", search && [["Interfaces", search.interfaces?.join(", ")], ...(search.skipped ?? []).map((s) => ["Skipped", s])]),
    section("Repaired or decided on the way", (g.notes ?? []).map((n) => ["Note", n])),
  ].filter(Boolean);
}

function section(heading, rows) {
  const told = (rows ?? []).filter(([, value]) => value != null && value !== "");
  if (!told.length) return null;
  return el("section", el("h3", heading), el("dl", ...told.map(row)));
}

const row = ([name, value]) => el("div", el("dt", name), el("dd", /^https?:/.test(value) ? link(value) : value));

function connection(g) {
  return [
    ["External address", g.externalAddress && `${g.externalAddress} (${g.addressClass})`],
    ["This computer", g.localAddress], ["Status", g.status?.connection], ["Last error", g.status?.lastError],
    ["Connection type", g.connectionType?.type], ["Possible types", g.connectionType?.possible?.join(", ")],
    ["NAT", g.nat && (g.nat.enabled ? "on" : "off")], ["RSIP", g.nat && (g.nat.rsip ? "on" : "off")],
    ["Link", g.link?.physical], ["Access type", g.link?.accessType], ["Upstream", bits(g.link?.upstreamBits)], ["Downstream", bits(g.link?.downstreamBits)],
    ["Sent", g.counters && `${bytes(g.counters.bytesSent)} in ${g.counters.packetsSent} packets`],
    ["Received", g.counters && `${bytes(g.counters.bytesReceived)} in ${g.counters.packetsReceived} packets`],
  ];
}

const DEVICE = "friendlyName deviceType manufacturer manufacturerUrl modelName modelNumber modelDescription modelUrl serialNumber udn upc presentationUrl iconUrl location parent children serviceCount".split(" ");

const label = (name) => name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`).replace(/\b(url|udn|upc)\b/, (c) => c.toUpperCase()).replace(/^./, (c) => c.toUpperCase());

export const device = (d) => [...DEVICE.map((name) => [label(name), d[name]]), ...(d.extra ?? []).map((e) => [e.name, e.text])];

const service = (s) => [["Type", s.type], ["Id", s.id], ["Control", s.controlUrl], ["Events", s.eventUrl], ["Document", s.scpdUrl]];

export const table = (rows) => el("dl", { class: "facts" }, ...rows.filter(([, v]) => v != null && v !== "").map(row));
