// Jobs: what the server does for us, with its steps, told in the corner of the page until it is
// over and read back.

import { post, Failure } from "./api.js";
import { $, attribute, button, el, failure, faint, show, square, text } from "./dom.js";
import { lease, mapping, plural } from "./format.js";

const DOING = {
  add: "Opening", edit: "Changing", delete: "Removing", enable: "Switching on", disable: "Switching off", renew: "Renewing", restore: "Restoring",
  import: "Importing", refresh: "Reading the router anew", search: "Looking for a router", check: "Checking", open: "Starting the test server",
  close: "Stopping the test server", devices: "Looking for devices",
};
const QUIET = new Set(["refresh", "search", "devices", "check", "open", "close"]); // shown where they belong
const PLEASANT = 7000; // ms for which good news is shown

const jobs = new Map();
const waiting = new Map(); // id: functions that want the end
const cards = new Map();
const inDialog = new Set(); // ids of jobs whose failure a dialog tells

const isOver = (job) => ["done", "failed", "cancelled"].includes(job.state);

// run starts a job and waits for its end. step is called with the job each time it moves on.
export async function run(path, body, step) {
  const { job: id } = await post(path, body);
  return new Promise((resolve) => {
    const each = (job) => {
      step?.(job);
      if (isOver(job)) waiting.delete(id);
      if (isOver(job)) resolve(job);
    };
    if (step) inDialog.add(id);
    waiting.set(id, each);
    if (jobs.has(id)) each(jobs.get(id));
  });
}

export async function start(path, body) {
  try {
    return await run(path, body);
  } catch (error) {
    tell(error);
  }
}

// take is a line "job". Jobs that were over before the page looked are old news.
export function take(job) {
  const isNew = !jobs.has(job.id);
  jobs.set(job.id, job);
  waiting.get(job.id)?.(job);
  if (QUIET.has(job.verb) || (isNew && isOver(job) && isOld(job))) return;
  showCard(job);
}

const isOld = (job) => Date.now() - Date.parse(job.ended) > 5000;

function showCard(job) {
  if (job.state === "failed" && inDialog.has(job.id) && $("dialog")) return dismiss(job.id);
  let card = cards.get(job.id);
  if (!card) {
    card = makeCard(job);
    cards.set(job.id, card);
    $("#jobs").append(card.node);
  }
  fillCard(card, job);
}

function makeCard(job) {
  const title = el("strong");
  const step = el("p", { class: "step" });
  const bar = el("progress", { "aria-label": "Progress" });
  const results = el("div", { class: "results" });
  const cancel = button(null, "Cancel", () => post(`/api/jobs/${job.id}/cancel`).catch(tell), { kind: "quiet" });
  const close = square("close", "Dismiss", () => dismiss(job.id));
  const node = el("article", { class: "job" }, el("header", title, cancel, close), step, bar, results);
  return { node, title, step, bar, results, cancel, close };
}

function dismiss(id) {
  cards.get(id)?.node.remove();
  cards.delete(id);
}

function fillCard(card, job) {
  const over = isOver(job);
  card.node.dataset.state = job.state;
  text(card.title, over ? ending(job) : `${DOING[job.verb]} ${job.what}`);
  text(card.step, over ? "" : job.step || "…");
  show(card.step, !over);
  show(card.bar, !over);
  attribute(card.bar, "max", job.total || null);
  attribute(card.bar, "value", job.total ? job.done : null);
  show(card.cancel, !over);
  if (!over) return;
  card.results.replaceChildren(...story(job));
  if (job.state === "done" && !job.results.some(isWorthReading)) setTimeout(() => dismiss(job.id), PLEASANT);
}

const isWorthReading = (r) => r.outcome === "unverified" || r.error || r.grant?.notes?.length;

function ending(job) {
  if (job.state === "cancelled") return `Cancelled: ${job.what}`;
  const good = job.results.filter((r) => !r.error).length;
  if (job.state === "failed") return good ? `${good} of ${job.results.length} done` : `Not done: ${job.what}`;
  return job.results.some((r) => r.outcome === "unverified") ? "Done, but not confirmed" : "Done";
}

// story is what became of a job: the first results in full, the others counted.
function story(job) {
  if (job.results.length > 3 && !job.error && !job.results.some(isWorthReading)) return [el("p", together(job.results))];
  const sorted = [...job.results].sort((a, b) => Boolean(b.error) - Boolean(a.error));
  const out = sorted.slice(0, 5).map(outcome);
  if (sorted.length > 5) out.push(faint(`and ${sorted.length - 5} more`));
  if (job.error && !job.results.some((r) => r.error)) out.push(failure(job.error));
  return out;
}

function together(results) {
  const removed = results.filter((r) => r.outcome === "removed").length;
  const there = results.length - removed;
  return [removed && `${plural(removed, "mapping")} removed.`, there && `${plural(there, "mapping")} as wished, read back from the router.`].filter(Boolean).join(" ");
}

// outcome is one result in words: what is true now, and what the router made of the wish.
export function outcome(result) {
  const node = el("div", { class: "outcome", data: { outcome: result.outcome } });
  node.append(result.error ? failure(result.error, result.id) : el("p", sentence(result)));
  for (const note of result.grant?.notes ?? []) node.append(el("p", { class: "note" }, note));
  return node;
}

function sentence({ outcome: what, grant, before, id }) {
  const now = grant?.mapping;
  switch (what) {
    case "removed": return `${before ? mapping(before) : id} is removed.`;
    case "same": return `${now ? mapping(now) : id} was so already.`;
    case "unverified": return `The router said yes to ${id}, but its table does not show it. It may not work.`;
    default: return `${mapping(now)} is ${now.enabled ? "open" : "switched off"}, ${now.leaseSeconds ? `for ${lease(now.leaseSeconds)}` : "until removed"}. Read back from the router.`;
  }
}

export function tell(error) {
  const words = error instanceof Failure ? error.failure : { error: error.message || "This page's key is not valid any more.", kind: "failed" };
  const id = `page-${performance.now()}`;
  const node = el("article", { class: "job", data: { state: "failed" } },
    el("header", el("strong", "Not done"), square("close", "Dismiss", () => dismiss(id))), failure(words));
  cards.set(id, { node });
  $("#jobs").append(node);
}

export function say(words) {
  const node = el("article", { class: "job", data: { state: "done" } }, el("header", el("strong", words)));
  $("#jobs").append(node);
  setTimeout(() => node.remove(), 2500);
}

export async function copy(words, what = "Copied") {
  await navigator.clipboard.writeText(words);
  say(`${what}: ${words.length > 40 ? `${words.slice(0, 40)}…` : words}`);
}
