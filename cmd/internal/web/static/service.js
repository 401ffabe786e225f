// One service: its actions as forms with typed arguments, its variables, its events.

import { post, read } from "./api.js";
import { bar, button, code, el, entry, failure, faint, form, show, square, submitter, text } from "./dom.js";
import { showXML } from "./devices.js";
import { field, problem } from "./fields.js";
import { milliseconds } from "./format.js";
import { copy, tell } from "./jobs.js";
import { see } from "./protocol.js";
import * as store from "./store.js";

const NUMBER = /^(u?i[1248]|int|r[48]|number|fixed|float)/;

export async function panel(service) {
  const path = `/api/services/${encodeURIComponent(service.id)}`;
  const document = await read(path);
  return [head(service, path),
    ...(document.notes ?? []).map((n) => el("p", { class: "note" }, n)),
    el("h3", "Actions"), ...document.actions.map((a) => action(path, a)), document.actions.length === 0 && faint("None told."),
    el("h3", "Variables"), variables(document.variables)].filter(Boolean);
}

function head(service, path) {
  const listens = () => (store.get("subscriptions")?.subscriptions ?? []).find((s) => s.service === service.id && s.state === "open");
  const toggle = button("play", "Subscribe to its events", async () => {
    const subscription = listens();
    toggle.disabled = true;
    await post(subscription ? `/api/subscriptions/${encodeURIComponent(subscription.id)}/close` : `${path}/subscribe`).catch(tell);
    toggle.disabled = false;
  });
  store.on("subscriptions", () => text(toggle.lastChild, listens() ? "Stop listening" : "Subscribe to its events"));
  return el("header", el("div", el("h2", service.type.split(":").slice(-2).join(" ")), el("p", { class: "faint" }, service.type)),
    bar(service.eventUrl && toggle, button(null, "Show XML", () => showXML("Service document", `${path}/xml`))));
}

function action(path, a) {
  const inputs = a.in.map(argument);
  const result = el("div", { class: "result", hidden: true, role: "status" });
  const submit = submitter("Invoke");
  const send = () => {
    invoke(path, a, inputs, submit, result);
  };
  const gives = a.out.length ? `gives ${a.out.map((o) => o.name).join(", ")}` : "gives nothing back";
  return el("details", { class: "fold action" }, el("summary", code(a.name), el("small", { class: "faint" }, gives)),
    form(send, ...inputs.map((i) => i.node), bar(submit)), result);
}

function argument(a) {
  const input = inputFor(a);
  const limits = [a.dataType, a.range && `${a.range.min} to ${a.range.max}`, a.default && `usually ${a.default}`].filter(Boolean).join(", ");
  return { name: a.name, input, node: field(a.name, input, { name: a.name, hint: limits }) };
}

function inputFor(a) {
  if (a.dataType === "boolean") return select(["0", "1"], a.default, { 0: "no (0)", 1: "yes (1)" });
  if (a.allowed?.length) return select(a.allowed, a.default, {});
  return entry({ value: a.default ?? "", inputmode: NUMBER.test(a.dataType) ? "numeric" : null, type: a.secret ? "password" : null });
}

const select = (values, chosen, words) => el("select", ...values.map((v) => el("option", { value: v, selected: v === chosen }, words[v] ?? v)));

async function invoke(path, a, inputs, submit, result) {
  submit.disabled = true;
  try {
    const given = Object.fromEntries(inputs.map((i) => [i.name, i.input.value]));
    for (const i of inputs) problem(i.input, "");
    result.replaceChildren(...answer(await post(`${path}/invoke`, { action: a.name, arguments: given })));
  } catch (error) {
    if (!error.failure) throw error;
    const wrong = inputs.find((i) => i.name === error.failure.field);
    if (wrong) problem(wrong.input, error.failure.error);
    wrong?.input.focus();
    result.replaceChildren(failure(error.failure));
  } finally {
    submit.disabled = false;
    show(result, true);
  }
}

function answer(said) {
  const values = said.out.map((o) => el("div", el("dt", o.name), el("dd", code(o.value), o.value && square("copy", `Copy ${o.name}`, () => copy(o.value)))));
  return [said.error ? failure(said.error) : values.length ? el("dl", { class: "facts" }, ...values) : el("p", "Done."),
    ...(said.notes ?? []).map((n) => el("p", { class: "note" }, n)),
    el("p", { class: "faint tools" }, `In ${milliseconds(said.tookMs)}.`, ...(said.messages ?? []).map((id, i) => button(null, `Message ${i + 1}`, () => see(id), { kind: "quiet small" })))];
}

function variables(all) {
  if (!all.length) return faint("None told.");
  const row = (v) => el("tr", el("th", { scope: "row" }, v.name), el("td", v.dataType), el("td", limits(v)), el("td", v.events ? "tells of changes" : ""));
  return el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Variables" }, el("table", el("thead", el("tr", ...["Name", "Type", "Values", "Events"].map((w) => el("th", { scope: "col" }, w)))), el("tbody", ...all.map(row))));
}

const limits = (v) => [v.allowed?.join(", "), v.range && `${v.range.min} to ${v.range.max}`, v.default && `usually ${v.default}`].filter(Boolean).join("; ");
