// What every test of the page needs: the program, a browser, and eyes for what must never happen.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { launch } from "./launch.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "..", "..", "..", "..");
const OUTPUT = join(HERE, "output");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 40000; // ms; a slow machine is no failure

let browser = null;
after(() => browser?.close());

// atEnd does things when a test is over, the last first.
const ends = new WeakMap();
export function atEnd(t, work) {
  if (!ends.has(t)) {
    ends.set(t, []);
    t.after(async () => {
      for (const each of ends.get(t).reverse()) await each();
    });
  }
  ends.get(t).push(work);
}

// ui starts the page against an emulated router, for one test.
export async function ui(t, ...args) {
  const program = spawn(join(ROOT, "bin", "upnp"), ["ui", "--emulated", "--no-open", "--listen", "127.0.0.1:0", ...args], { stdio: ["ignore", "pipe", "ignore"] });
  const over = new Promise((resolve) => program.on("exit", resolve));
  atEnd(t, async () => {
    program.kill("SIGINT");
    await over;
  });
  for await (const line of createInterface({ input: program.stdout })) return new UI(line.trim());
  throw new Error("upnp ui ended without an address");
}

class UI {
  constructor(url) {
    this.url = url;
    [this.origin, this.secret] = url.split("/#t=");
  }

  // post calls the server as the page does, for what the emulated network does by itself.
  async post(path, body = {}) {
    return this.call(path, { method: "POST", body: JSON.stringify(body) });
  }

  // emulator is what the emulated router itself says: the truth that the page has to show.
  async emulator() {
    const { lines } = await this.call("/api/state");
    return lines.find((line) => line.type === "emulator");
  }

  async call(path, request = {}) {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${this.secret}` };
    const answer = await fetch(this.origin + path, { ...request, headers });
    assert.ok(answer.ok, `${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
    return answer.json();
  }

  // put maps a port as another host would.
  put(externalPort, more = {}) {
    return this.post("/api/emulator/put", { protocol: "TCP", externalPort, internalClient: "192.168.1.77", internalPort: externalPort, description: "another host's", leaseSeconds: 3600, enabled: true, ...more });
  }
}

// visit opens a page and looks for what must never happen: an error, a breach of the policy, and
// code from data. Errors that a test means to cause are allowed by a part of their words.
export async function visit(t, url, { width = 1280, height = 860, scheme = "light", allow = [], wait = true } = {}) {
  browser ??= await launch();
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, permissions: ["clipboard-read", "clipboard-write"], reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const bad = watch(page, allow);
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.sourceFile}:${e.lineNumber}`)));
  atEnd(t, async () => {
    const pwned = page.isClosed() ? undefined : await page.evaluate(() => window.__pwn);
    await context.close();
    assert.equal(pwned, undefined, "code from data has run");
    assert.deepEqual(bad, [], "the console stays empty");
  });
  await page.goto(url);
  if (wait) await page.locator("#gateway[data-view=ready]").waitFor();
  return page;
}

function watch(page, allow) {
  const bad = [];
  const note = (words) => allow.some((a) => words.includes(a)) || bad.push(words);
  page.on("pageerror", (error) => note(error.stack));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && note(`${message.text()} ${message.location().url}`));
  page.on("request", (request) => request.url().startsWith("http://127.0.0.1:") || request.url().startsWith("blob:") || note(`asked for ${request.url()}`));
  return bad;
}

// eventually waits until fact() is true.
export async function eventually(what, fact) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    if (await fact()) return;
    if (Date.now() > end) assert.fail(`not so after ${PATIENCE / 1000} s: ${what}`);
    await pause(25);
  }
}

export async function section(page, name) {
  await page.locator(`nav a[href="#${name}"]`).click();
  await page.locator(`#${name}`).waitFor();
}

// row is a row of the table by its protocol and port.
export const row = (page, name) => page.locator(".line", { has: page.locator(`[aria-label="Select ${name}"]`) });

// accessible finds nothing that keeps people out, in light and in dark.
export async function accessible(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await shot(page, `${name}-${scheme}`);
    await page.evaluate(`window.axe || (() => { ${AXE} })()`);
    const options = { resultTypes: ["violations"], ...(scheme === "dark" && { runOnly: ["color-contrast"] }) };
    const { violations } = await page.evaluate((o) => window.axe.run(o), options);
    const found = violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.any[0]?.message ?? ""}`).join("; ")}`);
    assert.deepEqual(found, [], `${name}, ${scheme}`);
  }
}

// shot keeps a picture as a test's output.
export async function shot(page, name) {
  mkdirSync(OUTPUT, { recursive: true });
  await page.screenshot({ path: join(OUTPUT, `${name}.png`) });
}

// fits tells that nothing sticks out at the side.
export async function fits(page) {
  const { content, window: width } = await page.evaluate(() => ({ content: document.scrollingElement.scrollWidth, window: document.scrollingElement.clientWidth }));
  assert.ok(content <= width, `the page is ${content} wide in a window of ${width}`);
}
