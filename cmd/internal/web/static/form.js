// The dialog that opens ports.

import { Failure } from "./api.js";
import { open } from "./dialog.js";
import { $, button, el, entry, failure, form, number, show, submitter, text } from "./dom.js";
import { choice, field, isThisHost, leases, pair, problem, risks, tick } from "./fields.js";
import { lease, ports, span } from "./format.js";
import { outcome, run } from "./jobs.js";
import * as store from "./store.js";

export function add() {
  return open("Open a port", (close) => new Form(close).node);
}

class Form {
  constructor(close) {
    this.close = close;
    const hello = store.get("hello");
    const change = () => this.#preview();
    this.preset = this.#presets(hello.presets ?? []);
    this.protocol = choice("Protocol", "protocol", [["TCP", "TCP"], ["UDP", "UDP"], ["BOTH", "both"]], "TCP", change);
    this.external = number({ required: true, autofocus: true, placeholder: "9542" });
    this.client = entry({ placeholder: this.#thisHost() });
    this.internal = number({ placeholder: "the same" });
    this.lease = leases(hello.defaults?.leaseSeconds ?? 3600);
    this.description = entry({ maxlength: 128, placeholder: "what it is for" });
    this.remote = entry({ placeholder: "anyone" });
    this.any = tick("Another external port will do when this one is taken");
    this.keep = tick("Keep it open: renew it, and make it anew when the router forgets it, while upnp ui runs");
    this.disabled = tick("Only enter it, switched off");
    this.know = tick("");
    this.#build(change);
  }

  #presets(presets) {
    const options = presets.map((p, i) => el("option", { value: i }, `${p.name} (${p.ports.map((r) => `${r.protocol} ${span({ first: r.from, last: r.to })}`).join(", ")})`));
    return el("select", { onchange: () => this.#take(presets[this.preset.value]) }, el("option", { value: "" }, "something of my own"), ...options);
  }

  // #take fills the form with a preset. One with several ports shows its first, and asks for all.
  #take(preset) {
    this.rest = preset?.ports.slice(1) ?? [];
    if (!preset) return this.#preview();
    const [first] = preset.ports;
    this.protocol.value = first.protocol;
    this.external.value = span({ first: first.from, last: first.to });
    this.internal.value = "";
    this.description.value = preset.name;
    this.#preview();
  }

  #thisHost = () => `this computer${store.get("gateway")?.gateway?.localAddress ? `, ${store.get("gateway").gateway.localAddress}` : ""}`;

  #build(change) {
    this.preview = el("p", { class: "preview", role: "status" });
    Object.assign(this, ending("Open"));
    const node = form(() => this.#send(), { class: "body", oninput: change },
      this.answer, field("For", this.preset), this.protocol.node,
      pair(field("External port", this.external, { name: "externalPort", hint: "on the Internet; a range as 4000-4010" }), field("Internal port", this.internal, { name: "internalPort", hint: "where the program listens" })),
      field("Leads to", this.client, { name: "internalClient", hint: "the address of a machine in this network" }),
      pair(field("For how long", this.lease.input, { name: "leaseSeconds" }), field("Description", this.description, { name: "description" })), this.lease.minutes,
      el("details", { class: "fold" }, el("summary", "More"), field("Only from", this.remote, { name: "remoteHost", hint: "an address on the Internet; many routers cannot" }), this.any.node, this.disabled.node),
      this.keep.node, this.know.node, this.preview, this.progress,
      el("footer", button(null, "Cancel", () => this.close("")), this.submit));
    this.rest = [];
    this.node = node;
    this.#preview();
  }

  #preview() {
    const range = ports(this.external.value);
    const own = isThisHost(this.client.value.trim());
    text(this.preview, range.problem ? "What will be so is said here." : `${this.#what(range)} will lead to ${own ? "this computer" : this.client.value.trim()}${this.#port(range)}, ${this.lease.value ? `for ${lease(this.lease.value)}` : "until removed"}.`);
    const risk = range.problem ? "" : risks(range.first, range.last);
    text($("span", this.know.node), `I know that ${risk} can then be reached from the whole Internet`);
    show(this.know.node, risk !== "");
  }

  #what(range) {
    const protocol = this.protocol.value === "BOTH" ? "TCP and UDP" : this.protocol.value;
    const more = this.rest.length ? `, and ${this.rest.map((r) => `${r.protocol} ${span({ first: r.from, last: r.to })}`).join(", ")},` : "";
    return `${protocol} ${span(range)} of the router${more}`;
  }

  #port(range) {
    const inside = this.internal.value.trim();
    return inside && inside !== String(range.first) ? `, port ${inside}` : "";
  }

  // #wish is what is asked for, or null after showing what is wrong with it.
  #wish() {
    const range = ports(this.external.value);
    const inside = this.internal.value.trim() === "" ? { first: 0 } : ports(this.internal.value);
    problem(this.external, range.problem ?? "");
    problem(this.internal, inside.problem ?? "");
    for (const [input, { problem: wrong }] of [[this.external, range], [this.internal, inside]]) {
      if (wrong) return input.focus(), null;
    }
    if (!this.know.node.hidden && !this.know.value) return this.know.input.focus(), null;
    const client = this.client.value.trim();
    return {
      protocol: this.protocol.value, externalPort: range.first, externalPortEnd: range.last > range.first ? range.last : 0,
      internalClient: client, internalPort: inside.first, remoteHost: this.remote.value.trim(), description: this.description.value.trim(),
      leaseSeconds: this.lease.value, enabled: !this.disabled.value, anyPort: this.any.value, keep: this.keep.value, foreign: !isThisHost(client), iKnow: this.know.value,
    };
  }

  async #send() {
    const wish = this.#wish();
    if (!wish) return;
    const others = this.rest.map((r) => ({ ...wish, protocol: r.protocol, externalPort: r.from, externalPortEnd: r.to > r.from ? r.to : 0, internalPort: 0 }));
    await sending(this, "/api/mappings/add", others.length ? { mappings: [wish, ...others] } : wish);
  }
}

// ending is what a form needs to be sent.
export const ending = (words) => ({
  answer: el("div", { class: "answer", hidden: true, tabIndex: -1, role: "alert" }),
  progress: el("progress", { hidden: true, "aria-label": "Progress" }),
  submit: submitter(words),
});

// sending runs the job of a dialog's form: it closes with success, and stays with what went wrong.
export async function sending(dialog, path, body) {
  dialog.submit.disabled = true;
  show(dialog.progress, true);
  show(dialog.answer, false);
  try {
    const job = await run(path, body, ({ done, total }) => {
      if (total > 1) Object.assign(dialog.progress, { max: total, value: done });
    });
    if (job.state === "done" || !dialog.node.isConnected) return dialog.close("done");
    answer(dialog, job.results.filter((r) => r.error).slice(0, 5).map(outcome).concat(job.error && !job.results.some((r) => r.error) ? failure(job.error) : []));
  } catch (error) {
    refused(dialog, error);
  } finally {
    dialog.submit.disabled = false;
    show(dialog.progress, false);
  }
}

function answer(dialog, nodes) {
  dialog.answer.replaceChildren(...nodes);
  show(dialog.answer, true);
  dialog.answer.focus();
}

// refused shows what the server would not even begin, at the field it is about.
function refused(dialog, error) {
  if (!(error instanceof Failure)) throw error;
  const input = error.failure.field && $(`[data-name="${error.failure.field}"] :is(input, select)`, dialog.node);
  if (!input) return answer(dialog, [failure(error.failure)]);
  problem(input, error.failure.error);
  input.focus();
}
