// Elements, made by hand. Text goes in as text nodes only: nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "selected", "readOnly", "tabIndex", "indeterminate"]);

// el makes an element: el("button", {class: "quiet", onclick: f}, "Copy"). Attributes may be left
// out; children that are null or false are.
export const el = (tag, ...parts) => fill(document.createElement(tag), parts);
export const svg = (tag, ...parts) => fill(document.createElementNS(SVG, tag), parts);

function fill(node, parts) {
  const has = parts[0]?.constructor === Object;
  const children = has ? parts.slice(1) : parts;
  if (has) for (const [name, value] of Object.entries(parts[0])) set(node, name, value);
  node.append(...children.flat().filter((c) => c != null && c !== false).map((c) => (c instanceof Node ? c : clean(c))));
  return node;
}

// clean takes out what cannot be seen and yet acts: controls, and what turns text around.
const clean = (words) => (/^[ -~]*$/.test(words) ? String(words) : String(words).replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ""));

function set(node, name, value) {
  if (value == null) return;
  if (typeof value === "function") node.addEventListener(name.slice(2), value);
  else if (PROPERTIES.has(name)) node[name] = value;
  else if (name === "data") Object.assign(node.dataset, value);
  else if (value !== false) node.setAttribute(name, value === true ? "" : clean(value));
}

export const $ = (selector, within = document) => within.querySelector(selector);

// text sets what an element says, and touches the document only if that is something new.
export function text(node, words) {
  const value = clean(words ?? "");
  if (node.textContent !== value) node.textContent = value;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

export function attribute(node, name, value) {
  if (value == null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== clean(value)) node.setAttribute(name, clean(value));
}

// link is an address to follow, or plain text when it is not one for a browser.
export function link(address, words = address) {
  if (!/^https?:\/\//i.test(address)) return el("span", words);
  return el("a", { href: address, rel: "noreferrer noopener", target: "_blank" }, words);
}

const PATHS = {
  add: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  edit: "M5 19l1-4L16.5 4.500l3 3L9 18z",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.500v13l10-6.500z",
  renew: "M19 8a8 8 0 1 0 1 6M20 4v4.500h-4.500",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
  upload: "M12 16V5M7 9.500l5-5 5 5M5 20h14",
};

// icon is a drawing beside words; on its own, its button needs an aria-label.
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

export const entry = (attributes) => el("input", { autocomplete: "off", spellcheck: "false", ...attributes });

export const number = (attributes) => entry({ inputmode: "numeric", ...attributes });

// filter is an input that calls changed with its words, in lower case, as they are typed.
export const filter = (what, changed) =>
  entry({ type: "search", placeholder: "Filter", "aria-label": `Filter ${what}`, oninput: (event) => changed(event.target.value.trim().toLowerCase()) });

// button is one with an icon, and with words unless they are only its label.
export function button(name, words, onclick, { iconOnly = false, kind = "", ...rest } = {}) {
  const label = iconOnly ? { "aria-label": words, title: words } : {};
  return el("button", { type: "button", class: `${kind} ${iconOnly ? "square" : ""}`.trim() || null, onclick, ...label, ...rest },
    name && icon(name), !iconOnly && el("span", words));
}

export const square = (name, words, onclick) => button(name, words, onclick, { iconOnly: true, kind: "quiet" });

// form calls sent when it is sent; what is wrong in it the page says itself.
export function form(sent, ...parts) {
  const node = el("form", ...parts);
  node.noValidate = true;
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    sent(event);
  });
  return node;
}

export const submitter = (words) => el("button", { type: "submit", class: "primary" }, words);
export const bar = (...children) => el("div", { class: "tools" }, ...children);
export const faint = (...words) => el("p", { class: "faint" }, ...words);
export const spring = () => el("span", { class: "spring" });
export const code = (words) => el("code", words);

// failure is an error: what it means first, what to do, and the protocol's name for it last.
export function failure({ error, hint, upnpCode, upnpName }, about) {
  const name = [upnpCode && `UPnP ${upnpCode}`, upnpName].filter(Boolean).join(" ");
  return el("div", { class: "failure" },
    el("p", about ? `${about}: ${error}` : sentence(error)),
    hint && el("p", { class: "hint" }, sentence(hint)),
    name && el("p", { class: "code-name" }, name));
}

// sentence begins with a capital and ends with a full stop.
function sentence(words) {
  const first = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
