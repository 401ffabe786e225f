// Traffic over the last minutes as two lines, one to the Internet and one from it.

import { svg, text } from "./dom.js";
import { rate } from "./format.js";

const WIDTH = 300;
const HEIGHT = 56;

export class Graph {
  constructor(samples = 60) {
    this.samples = samples;
    this.rates = [];
    this.title = svg("title");
    this.area = svg("path", { class: "graph-down-area" });
    this.down = svg("path", { class: "graph-down" });
    this.up = svg("path", { class: "graph-up" });
    this.node = svg("svg", { class: "graph", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      this.title, this.area, this.down, this.up);
    this.#draw();
  }

  add(down, up) {
    this.rates.push({ down, up });
    if (this.rates.length > this.samples) this.rates.shift();
    this.#draw();
  }

  clear() {
    this.rates = [];
    this.#draw();
  }

  #draw() {
    const top = Math.max(1000, ...this.rates.flatMap((r) => [r.down, r.up]));
    const down = this.#line("down", top);
    this.down.setAttribute("d", down);
    this.area.setAttribute("d", down && `${down}V${HEIGHT}H${this.#x(0)}Z`);
    this.up.setAttribute("d", this.#line("up", top));
    const last = this.rates.at(-1);
    text(this.title, last ? `Receiving ${rate(last.down)}, sending ${rate(last.up)}` : "No traffic measured yet");
  }

  #x(i) {
    return ((this.samples - this.rates.length + i) * WIDTH) / (this.samples - 1);
  }

  #line(which, top) {
    return this.rates.map((r, i) => `${i ? "L" : "M"}${this.#x(i).toFixed(1)} ${(HEIGHT - 2 - (r[which] / top) * (HEIGHT - 6)).toFixed(1)}`).join("");
  }
}
