import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, eventually, visit } from "./browser.js";
import { Fake } from "./fake.js";
import * as lines from "./lines.js";

const MOST = 100; // ms that the page may be deaf

// Deaf measures how long the page does not listen while one thing is done, in ms: by the longest
// task, in which other programs of the machine count too, and by all that its thread computed, in
// which they do not. The true figure is not above either.
class Deaf {
  static async of(page) {
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.evaluate(() => {
      window.tasks = [];
      new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
    });
    return Object.assign(new Deaf(), { page, session });
  }

  async #computed() {
    const { metrics } = await this.session.send("Performance.getMetrics");
    return metrics.find((m) => m.name === "TaskDuration").value * 1000;
  }

  async during(work) {
    const before = await this.#computed();
    await this.page.evaluate(() => (window.tasks.length = 0));
    await work();
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20))));
    return Math.min((await this.#computed()) - before, await this.page.evaluate(() => Math.max(0, ...window.tasks)));
  }
}

test("5,000 mappings arrive, scroll, filter and sort without a long pause", async (t) => {
  const mappings = Array.from({ length: 5000 }, (_, i) => lines.row(i + 1, { description: `mapping number ${(i * 7919) % 5000}`, internalClient: `192.168.${i % 200}.${i % 250}` }));
  const server = await new Fake([lines.hello(), lines.search("found"), lines.following(), lines.gateway(), ...lines.quiet()]).start();
  atEnd(t, () => server.stop());
  const page = await visit(t, server.url);
  const filter = page.getByLabel("Filter the table");
  const foot = (words) => eventually(words, async () => (await page.locator(".foot").textContent()).includes(words));
  const works = {
    arrive: lines.parts(mappings).map((part) => async () => {
      server.say(part);
      await foot(`${(part.from + 500).toLocaleString("en")} mappings`);
    }),
    scroll: Array.from({ length: 30 }, (_, i) => () => page.evaluate((y) => window.scrollTo(0, y), i * 7000)),
    filter: [...[..."number 42"].map((key) => () => filter.press(key)), () => foot("of 5,000"), () => filter.fill("")],
    sort: ["Description", "Leads to", "Time left", "External port"].map((name) => () => page.getByRole("button", { name }).click()),
    change: [async () => server.say({ type: "change", source: "live", count: 5000, change: { kind: "mappings", time: "", numberOfEntries: 5000, added: [{ ...mappings[3], description: "other" }], removed: [mappings[3]] } })],
  };
  const deaf = await Deaf.of(page);
  for (const [name, steps] of Object.entries(works)) {
    let worst = 0;
    for (const step of steps) worst = Math.max(worst, await deaf.during(step));
    t.diagnostic(`${name}: deaf for ${Math.round(worst)} ms at most`);
    assert.ok(worst <= MOST, `${name}: deaf for ${Math.round(worst)} ms`);
  }
  assert.ok((await page.locator(".line").count()) < 120, "only what is seen exists");
});
