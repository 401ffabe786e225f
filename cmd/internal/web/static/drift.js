// Mappings made here that the router has no more, or has otherwise: told, and restored with a click.

import { post } from "./api.js";
import { $, bar, button, code, el, show } from "./dom.js";
import { clock, mapping, plural } from "./format.js";
import { start as job, tell } from "./jobs.js";
import * as store from "./store.js";

const WHY = { expired: "its lease ran out", missing: "it is gone from the router's table", changed: "the router has it otherwise now" };
const MOST = 4;

export function start() {
  store.on("drift", draw);
}

function draw({ mappings }) {
  const notice = $("#drift");
  show(notice, mappings.length > 0);
  if (mappings.length) notice.replaceChildren(words(mappings), offers(mappings));
}

function words(mappings) {
  return el("div", el("p", el("strong", mappings.length === 1 ? "A mapping of yours is not as you made it." : `${plural(mappings.length, "mapping")} of yours are not as you made them.`)),
    el("ul", ...mappings.slice(0, MOST).map((m) => el("li", code(mapping(m)), ` ${WHY[m.reason] ?? m.reason}, ${clock(m.since)}`))),
    mappings.length > MOST && el("p", `and ${mappings.length - MOST} more`));
}

function offers(mappings) {
  const all = mappings.length === 1 ? "" : " all";
  return bar(
    button("renew", `Restore${all}`, () => job("/api/drift/restore", { ids: [] }), { kind: "primary" }),
    button(null, `Forget${all}`, () => post("/api/drift/forget", { ids: [] }).catch(tell)));
}
