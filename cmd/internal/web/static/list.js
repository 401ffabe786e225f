// A list of any length, of which only the rows in sight exist. It scrolls with the page or with
// whatever box it is in.

const BEYOND = 8; // rows kept on either side of what is seen

export class List {
  #rows = new Map(); // by key
  #spare = [];
  #index = new Map();
  #frame = 0;

  // create makes an empty row, bind(row, item) fills it, key(item) tells items apart, height() is
  // a row's, in pixels.
  constructor(body, { create, bind, key, height }) {
    Object.assign(this, { body, create, bind, key, height, items: [], current: null });
    document.addEventListener("scroll", () => this.#soon(), { capture: true, passive: true });
    new ResizeObserver(() => this.#soon()).observe(body);
    window.addEventListener("resize", () => this.draw());
  }

  // show replaces the items. A row that stays keeps its element, and with it the focus.
  show(items) {
    this.items = items;
    this.#index = new Map(items.map((item, i) => [this.key(item), i]));
    this.draw();
  }

  indexOf(key) {
    return this.#index.get(key) ?? -1;
  }

  visible(f) {
    for (const [key, row] of this.#rows) f(row, this.items[this.indexOf(key)]);
  }

  row(key) {
    return this.#rows.get(key);
  }

  // reveal scrolls to an item, makes it the current one and puts the focus on it.
  reveal(key) {
    const i = this.indexOf(key);
    if (i < 0) return;
    this.current = key;
    this.#scrollTo(i);
    this.draw();
    this.row(key).focus({ preventScroll: true });
  }

  move(key) {
    const at = this.indexOf(this.current);
    const last = this.items.length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + 10, PageUp: at - 10 }[key];
    const item = to === undefined ? undefined : this.items[Math.min(Math.max(to, 0), last)];
    if (item) this.reveal(this.key(item));
    return item;
  }

  #scrollTo(i) {
    const height = this.height();
    const { from, to } = this.#window();
    if (i * height < from) this.#scrollBy(i * height - from);
    else if ((i + 1) * height > to) this.#scrollBy((i + 1) * height - to);
  }

  #scrollBy(pixels) {
    const box = this.#box();
    (box ?? window).scrollBy({ top: pixels, behavior: "instant" });
  }

  #box() {
    return this.body.closest("[data-scrolls]");
  }

  // #window is the part of the list that can be seen, in pixels from its beginning.
  #window() {
    const rect = this.body.getBoundingClientRect();
    const box = this.#box()?.getBoundingClientRect() ?? { top: 0, bottom: window.innerHeight };
    const top = Math.max(box.top, 0) + (this.covered?.() ?? 0);
    return { from: Math.max(0, top - rect.top), to: Math.min(box.bottom, window.innerHeight) - rect.top };
  }

  #soon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
    });
  }

  draw() {
    const height = this.height();
    this.body.style.height = `${this.items.length * height}px`;
    if (!this.body.isConnected || this.body.offsetParent === null) return;
    const { from, to } = this.#window();
    const wanted = this.items.slice(Math.max(0, Math.floor(from / height) - BEYOND), Math.max(0, Math.ceil(to / height) + BEYOND));
    const current = this.items[this.indexOf(this.current)];
    if (current && !wanted.includes(current)) wanted.push(current);
    this.#place(wanted, height);
  }

  #place(wanted, height) {
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    this.#release(new Set(wanted.map(this.key)));
    wanted.forEach((item, at) => {
      const row = this.#rowFor(item);
      const top = `translateY(${this.indexOf(this.key(item)) * height}px)`;
      if (row.style.transform !== top) row.style.transform = top;
      if (this.body.children[at] !== row) this.body.insertBefore(row, this.body.children[at] ?? null);
    });
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  #release(keys) {
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
      this.#spare.push(row);
    }
  }

  #rowFor(item) {
    const key = this.key(item);
    const row = this.#rows.get(key) ?? this.#spare.pop() ?? this.create();
    this.#rows.set(key, row);
    row.setAttribute("aria-rowindex", this.indexOf(key) + 2);
    this.bind(row, item);
    return row;
  }
}
