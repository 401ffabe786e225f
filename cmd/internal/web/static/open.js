// The section Open?: a server of our own to look for, and the check whether a port really is open.

import { bar, button, code, el, failure, faint, form, icon, number, show, square, submitter, text } from "./dom.js";
import { choice, field, problem, risks, tick } from "./fields.js";
import { clock, duration, ports } from "./format.js";
import { copy, run, tell } from "./jobs.js";
import * as store from "./store.js";

const STEPS = [
  ["local", "A program listens"], ["mapped", "The router has the mapping"], ["public", "The router's address is on the Internet"],
  ["hairpin", "It answers from inside, by its outside address"], ["outside", "It answers from the Internet"],
];
const SIGNS = { pass: "check", fail: "close", unknown: "more", skipped: "more" };
const VERDICTS = { yes: ["Open", "good"], no: ["Not open", "bad"], unknown: ["Not sure", "warn"] };

let p = null;

export function start(section) {
  p = { ...serverParts(), ...checkParts() };
  section.replaceChildren(el("div", { class: "columns even" }, p.serverCard, p.checkCard));
  store.on("server", server);
  store.on("check", check);
  store.on("hello", (hello) => {
    p.port.value ||= hello.defaults.testPort;
    p.ask.value ||= hello.defaults.testPort;
  });
  setInterval(() => server(store.get("server")), 1000);
}

function serverParts() {
  const port = number();
  const map = tick("Open the port on the router as well", { checked: true });
  const after = tick("Then check it", { checked: true });
  const know = tick("I know that this port can then be reached from the whole Internet");
  const submit = submitter("Start");
  const setup = form(begin, { oninput: () => show(know.node, risk() !== "") }, field("Port", port, { name: "port" }), map.node, after.node, know.node, bar(submit));
  show(know.node, false);
  const running = el("div", { hidden: true });
  const parts = { state: el("p", { role: "status", class: "big-word" }), facts: el("dl", { class: "facts" }), visitors: el("ol", { class: "log" }), ends: el("p", { class: "faint" }) };
  running.append(parts.state, parts.facts, parts.ends, el("h3", "Visitors"), parts.visitors, bar(button("close", "Stop", stop, { kind: "danger" })));
  const serverCard = el("div", { class: "card" }, el("h2", "Test server"), faint("Answers with one short page, stops by itself, and takes its mapping away. Open its address on a phone that is not on this Wi-Fi."), setup, running);
  return { port, map, after, know, submit, setup, running, serverCard, ...parts };
}

const risk = () => {
  const { first, last, problem: wrong } = ports(p.port.value);
  return wrong ? "" : risks(first, last);
};

async function begin() {
  const range = ports(p.port.value);
  const words = range.problem ?? (range.first === range.last ? "" : "One port, please.");
  problem(p.port, words);
  if (words) return p.port.focus();
  if (!p.know.node.hidden && !p.know.value) return p.know.input.focus();
  p.ask.value = range.first;
  await during(p.submit, () => run("/api/server/start", { port: range.first, map: p.map.value, check: p.after.value && p.map.value, iKnow: p.know.value }));
}

const stop = (event) => during(event.currentTarget, () => run("/api/server/stop", {}));

async function during(control, work) {
  control.disabled = true;
  try {
    const job = await work();
    const error = job.error ?? job.results.find((r) => r.error)?.error;
    if (job.state === "failed" && error) tell(new Failure(error));
  } catch (error) {
    tell(error);
  } finally {
    control.disabled = false;
  }
}

function server(line) {
  if (!line) return;
  show(p.setup, !line.running);
  show(p.running, line.running);
  if (!line.running) return;
  text(p.state, `Running on port ${line.port}`);
  p.facts.replaceChildren(...[address("Inside", line.url), address("From the Internet", line.publicUrl || "")].filter(Boolean));
  const left = (Date.parse(line.ends) - Date.now() - (store.get("skew") ?? 0)) / 1000;
  text(p.ends, line.ends ? `Stops by itself in ${duration(left)}.` : "");
  const visitors = line.visitors.map((v) => el("li", el("time", clock(v.time)), el("span", v.address, v.own ? " (this computer)" : v.knew ? " (knew the address)" : "")));
  p.visitors.replaceChildren(...(visitors.length ? visitors : [el("li", { class: "faint" }, "Nobody yet.")]));
}

function address(label, url) {
  if (!url) return null;
  return el("div", el("dt", label), el("dd", code(url), square("copy", `Copy ${label.toLowerCase()}`, () => copy(url))));
}

function checkParts() {
  const ask = number();
  const protocol = choice("Protocol", "check-protocol", [["TCP", "TCP"], ["UDP", "UDP"]], "TCP");
  const go = submitter("Check");
  const word = el("p", { class: "big-word", role: "status" });
  const steps = el("ol", { class: "steps" });
  const more = el("div");
  const checkCard = el("div", { class: "card" }, el("h2", "Is a port open?"), faint("Step by step, from the program on this computer to somebody on the Internet."),
    form(question, field("External port", ask, { name: "externalPort" }), protocol.node, bar(go)), word, steps, more);
  return { ask, protocol, go, word, steps, more, checkCard };
}

async function question() {
  const range = ports(p.ask.value);
  problem(p.ask, range.problem ?? "");
  if (range.problem) return p.ask.focus();
  await during(p.go, () => run("/api/check", { externalPort: range.first, protocol: p.protocol.value }));
}

function check({ running, check: result, at }) {
  const [words, state] = running ? ["Checking…", "busy"] : result ? VERDICTS[result.open] : ["", ""];
  text(p.word, words);
  p.word.dataset.state = state;
  p.steps.replaceChildren(...STEPS.map(([name, label]) => step(label, result?.[name], running, name === "hairpin")));
  p.more.replaceChildren(...(result && !running ? [faint(`${result.protocol ?? ""} ${result.externalPort ?? ""} at ${clock(at)}`), ...(result.error ? [failure(result.error)] : [])] : []));
}

// A router that does not answer itself from inside proves nothing, so that is no alarm.
function step(label, verdict, running, isHint) {
  const state = verdict?.verdict || (running ? "busy" : "skipped");
  const said = { pass: "yes", fail: "no", unknown: "not known", skipped: verdict ? "not asked" : "", busy: "" }[state];
  return el("li", { data: { verdict: isHint && state === "fail" ? "unknown" : state } }, el("span", { class: "sign" }, sign(state)), el("div", el("strong", label), said && el("span", { class: "said" }, said), verdict?.reason && el("p", verdict.reason)));
}

const sign = (state) => (SIGNS[state] ? icon(SIGNS[state]) : null);
