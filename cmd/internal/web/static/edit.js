// The dialog that changes a mapping.

import { run as act } from "./actions.js";
import { open } from "./dialog.js";
import { button, code, el, entry, faint, form, number, spring } from "./dom.js";
import { field, isThisHost, leases, pair, problem, tick } from "./fields.js";
import { ending, sending } from "./form.js";
import { mapping, ports } from "./format.js";
import { isOwn } from "./row.js";
import { all } from "./table.js";

export function edit(row) {
  return open(`Change ${row.protocol} ${row.externalPort}`, (close) => new Form(row, close).node);
}

class Form {
  constructor(row, close) {
    Object.assign(this, { row, close });
    this.external = number({ value: row.externalPort, autofocus: true });
    this.internal = number({ value: row.internalPort });
    this.client = entry({ value: row.internalClient });
    this.description = entry({ maxlength: 128, value: row.description });
    this.lease = leases(row.leaseSeconds && Math.ceil(row.leaseSeconds / 60) * 60);
    this.enabled = tick("Switched on", { checked: row.enabled });
    Object.assign(this, ending("Change"));
    this.node = this.#build();
  }

  #build() {
    return form(() => this.#send(), { class: "body" }, this.answer,
      faint("Now ", code(mapping(this.row)), ". It stays open until the new one is seen in the router's table."),
      !isOwn(this.row) && el("p", { class: "warning" }, "Another host made it, and may rely on it."),
      pair(field("External port", this.external, { name: "externalPort" }), field("Internal port", this.internal, { name: "internalPort" })),
      field("Leads to", this.client, { name: "internalClient" }),
      pair(field("For how long", this.lease.input, { name: "leaseSeconds", hint: "from now on" }), field("Description", this.description, { name: "description" })), this.lease.minutes,
      this.enabled.node, this.progress, el("footer", button("trash", "Delete", () => this.#delete(), { kind: "danger" }), spring(), button(null, "Cancel", () => this.close("")), this.submit));
  }

  #delete() {
    this.close("");
    act("delete", [this.row]);
  }

  // #port reads one port, or shows what is wrong and gives null.
  #port(input) {
    const { first, last, problem: wrong } = ports(input.value);
    const words = wrong ?? (first === last ? "" : "One port: a range is opened, not changed.");
    problem(input, words);
    if (words) input.focus();
    return words ? null : first;
  }

  // #isTaken tells whether another mapping has the port, which would be lost by this.
  #isTaken(external) {
    const other = [...all().values()].find((m) => m.id !== this.row.id && m.externalPort === external && m.protocol === this.row.protocol && m.remoteHost === this.row.remoteHost);
    problem(this.external, other ? `Taken: ${mapping(other)}${other.description && `, ${other.description}`}. Delete that one first.` : "");
    if (other) this.external.focus();
    return other;
  }

  #changes(externalPort, internalPort) {
    const { row } = this;
    const wanted = { externalPort, internalPort, internalClient: this.client.value.trim(), description: this.description.value.trim(), enabled: this.enabled.value };
    const changes = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== row[name]));
    if (this.lease.value !== Number(this.lease.input.querySelector("option[selected]")?.value)) changes.leaseSeconds = this.lease.value;
    return changes;
  }

  async #send() {
    const external = this.#port(this.external);
    const internal = external && this.#port(this.internal);
    if (!external || !internal) return;
    if (this.#isTaken(external)) return;
    const changes = this.#changes(external, internal);
    if (!Object.keys(changes).length) return this.close("");
    const foreign = !isOwn(this.row) || !isThisHost(this.client.value.trim());
    await sending(this, "/api/mappings/edit", { id: this.row.id, ...changes, foreign });
  }
}
