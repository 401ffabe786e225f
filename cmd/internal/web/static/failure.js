// An error as an element: what it means first, what to do, and the protocol's name for it last.

import { el } from "./dom.js";

export function failure({ error, hint, upnpCode, upnpName }, about) {
  const name = [upnpCode && `UPnP ${upnpCode}`, upnpName].filter(Boolean).join(" ");
  return el("div", { class: "failure" },
    el("p", {}, about ? `${about}: ${error}` : sentence(error)),
    hint && el("p", { class: "hint" }, sentence(hint)),
    name && el("p", { class: "code-name" }, name));
}

// sentence begins with a capital and ends with a full stop.
function sentence(words) {
  const first = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
