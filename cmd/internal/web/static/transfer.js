// Mappings to and from a file.

import { post, save } from "./api.js";
import { open } from "./dialog.js";
import { button, code, el, failure, show } from "./dom.js";
import { field, tick } from "./fields.js";
import { mapping, plural } from "./format.js";
import { start as job, tell } from "./jobs.js";

export function exporting() {
  return open("Export mappings", (close) => {
    const write = (path) => {
      close("");
      save(path, "mappings.txt").catch(tell);
    };
    return el("div", { class: "body" }, el("p", "A text file, one mapping a line. This page imports it, and so do ", code("upnp apply"), " and ", code("upnp keep -f"), "."),
      el("footer", button("download", "All in the table", () => write("/api/export")), button("download", "This computer's", () => write("/api/export?mine=1"), { kind: "primary", autofocus: true })));
  });
}

export function importing() {
  return open("Import mappings", (close) => new Import(close).node, { wide: true });
}

class Import {
  constructor(close) {
    this.close = close;
    this.text = el("textarea", { rows: 8, spellcheck: "false", placeholder: '9542:8080 lease=1h "my game"\n4000-4010/both' });
    this.file = el("input", { type: "file", accept: ".txt,text/plain", onchange: async () => (this.text.value = await this.file.files[0].text()) });
    this.prune = tick("Remove mappings of this computer that are not in the file");
    this.know = tick("I know what becomes reachable from the whole Internet");
    this.changes = el("div", { class: "answer", hidden: true, role: "status" });
    this.go = button(null, "Import", () => this.#send(), { kind: "primary", hidden: true });
    this.node = el("div", { class: "body", oninput: () => this.#reset() },
      field("A file", this.file), field("or its text", this.text, { name: "text" }), this.prune.node, this.know.node, this.changes,
      el("footer", button(null, "Cancel", () => close("")), button(null, "Show what would change", () => this.#look(), { kind: "primary" }), this.go));
    show(this.know.node, false);
    this.look = this.node.querySelector("footer .primary");
  }

  #body = (dryRun) => ({ text: this.text.value, prune: this.prune.value, iKnow: this.know.value, dryRun });

  #reset() {
    show(this.go, false);
    show(this.look, true);
    show(this.changes, false);
  }

  async #look() {
    try {
      const { changes } = await post("/api/import", this.#body(true));
      this.changes.replaceChildren(...summary(changes));
      show(this.go, changes.length > 0);
      show(this.look, changes.length === 0);
      if (changes.length) this.go.focus();
    } catch (error) {
      show(this.know.node, true);
      this.changes.replaceChildren(failure(error.failure));
    }
    show(this.changes, true);
  }

  #send() {
    this.close("");
    job("/api/import", this.#body(false));
  }
}

const WORDS = { add: "opens", edit: "changes", delete: "removes" };

function summary(changes) {
  if (!changes.length) return [el("p", "All is so already.")];
  return [el("p", plural(changes.length, "change"), ":"),
    el("ul", { class: "mappings" }, ...changes.slice(0, 200).map(({ change, mapping: m, before }) =>
      el("li", { data: { change } }, `${WORDS[change]} `, code(mapping(change === "delete" ? before ?? m : m)), m.description && el("span", m.description))))];
}
