// The search while it runs, and what to try when nothing answered.

import { button, el, entry, faint, form, submitter } from "./dom.js";
import { duration } from "./format.js";
import { start as job } from "./jobs.js";

export function seeking(search) {
  const seconds = Math.round(search.elapsedSeconds ?? 0);
  return [el("div", { class: "seek" }, el("div", { class: "pulse", "aria-hidden": "true" }),
    el("div", el("h2", search.target ? `Asking ${search.target}` : "Looking for your router"),
      faint(seconds < 3 ? "It usually answers within a second." : `For ${duration(seconds)}. ${where(search)}`),
      ...(search.candidates ?? []).map((c) => el("p", `${c.friendlyName || c.location} answered.`))))];
}

const where = (search) => (search.interfaces?.length ? `Asked on ${search.interfaces.join(", ")}.` : "");

export function none(search) {
  return [el("div", { class: "blank" }, el("h2", "No router answered"),
    el("p", search.error?.error ?? "Nothing on this network says that it opens ports."),
    el("div", { class: "columns" },
      el("div", el("h3", "What to try"), el("ul", ...ADVICE.map((a) => el("li", a)))),
      el("div", el("h3", "What was searched"), el("ul", ...searched(search).map((s) => el("li", s))))),
    target())];
}

const ADVICE = [
  "Switch UPnP on in the router's settings, often under NAT, Gaming or Advanced. A restart of the router helps more often than it should.",
  "Let this computer's firewall take answers to UDP port 1900.",
  "Leave guest Wi-Fi and VPN: most of them keep computers from asking the router.",
  "If you know the router's address, give it below: some do not answer searches, but work.",
];

function searched(search) {
  const out = [search.interfaces?.length ? `Interfaces: ${search.interfaces.join(", ")}` : "No interface that could be used"];
  if (search.target) out.unshift(`Only ${search.target}`);
  out.push(...(search.skipped ?? []).map((s) => `Skipped ${s}`));
  out.push(...(search.rejected ?? []).map((r) => `${r.friendlyName || r.location}: ${r.reason}`));
  out.push(...(search.failures ?? []));
  if (search.elapsedSeconds) out.push(`For ${duration(search.elapsedSeconds)}`);
  return out;
}

function target() {
  const input = entry({ id: "target", name: "target", placeholder: "192.168.1.1 or http://192.168.1.1:5000/rootDesc.xml" });
  return form(() => job("/api/search", { target: input.value.trim() }), { class: "inline" },
    el("label", { for: "target" }, "Router's address"), input,
    submitter("Ask it"),
    button("renew", "Search again", () => job("/api/search", { target: "" })));
}
