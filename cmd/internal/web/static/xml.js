// XML laid out to be read: indented, its parts told apart. It shows documents as they came, so it
// never refuses one; what it does not understand stays as it is.

import { el } from "./dom.js";

const TOKEN = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[?!/]?[^<>]*>|[^<]+|</g;
const MOST = 20000; // parts of a document that are shown

export const looksLikeXML = (words) => /^\s*(<\?xml|<[A-Za-z_!])/.test(words);

export function view(words) {
  const pre = el("pre", { class: "code", tabIndex: 0 });
  pre.classList.toggle("xml", looksLikeXML(words));
  pre.append(...el("i", ...(looksLikeXML(words) ? lines(words) : [words])).childNodes);
  return pre;
}

function lines(words) {
  const out = [];
  let depth = 0;
  const tokens = (words.match(TOKEN) ?? []).filter((t) => t.trim() !== "").slice(0, MOST);
  for (let i = 0; i < tokens.length; i++) {
    const kind = kindOf(tokens[i]);
    if (kind === "end") depth = Math.max(0, depth - 1);
    out.push("  ".repeat(depth), ...parts(tokens[i], kind));
    if (kind === "start" && isLeaf(tokens, i)) while (kindOf(tokens[i]) !== "end") out.push(...parts(tokens[++i].trim(), kindOf(tokens[i])));
    else if (kind === "start") depth++;
    out.push("\n");
  }
  return out;
}

// isLeaf tells whether an element holds text alone, or nothing, and ends on the same line.
function isLeaf(tokens, i) {
  const next = kindOf(tokens[i + 1] ?? "<");
  return next === "end" || (next === "text" && kindOf(tokens[i + 2] ?? "<") === "end");
}

function kindOf(token) {
  if (/^<\//.test(token)) return "end";
  if (/^<[?!]/.test(token) || /\/>$/.test(token)) return "empty";
  return /^<[^>]+>$/.test(token) ? "start" : "text";
}

function parts(token, kind) {
  if (kind === "text") return [token.trim()];
  const match = /^(<[/?!]?)([^\s/>?]+)([\s\S]*?)([/?]?>)$/.exec(token);
  if (!match || /^<!/.test(token)) return [el("span", { class: "x-note" }, token)];
  return [match[1], el("span", { class: "x-name" }, match[2]), el("span", { class: "x-attribute" }, match[3]), match[4]];
}
