import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, section, shot, ui, visit } from "./browser.js";
import { Fake } from "./fake.js";
import * as lines from "./lines.js";

// What devices may call themselves.
const NAMES = [
  "<script>window.__pwn=1</script>", "<img src=x onerror=window.__pwn=1>", "\"><svg onload=window.__pwn=1>", "javascript:window.__pwn=1", "</textarea><iframe srcdoc='<script>parent.__pwn=1</script>'>",
  "{{constructor.constructor('window.__pwn=1')()}}", "${window.__pwn=1}", "&lt;b&gt;not bold&lt;/b&gt;", "\u001b]52;c;cHdu\u0007\u001b[31mred", "\u009b31m", "\u202Egnp.exe\u2066", "line\nforged", "\u0000nul", "a".repeat(4000), "‮‭‏ال\u200B", "__proto__",
];

const page = (t, url) => visit(t, url, { wait: false });
const inert = (p) => p.evaluate(() => document.querySelectorAll("main script, main img, main iframe, main b, dialog script, dialog img, #jobs img, [onerror], [onload]").length);

test("names are text, wherever they stand", async (t) => {
  for (const name of NAMES) await everywhere(t, name);
});

async function everywhere(t, name) {
  const device = { id: "d", location: name, address: name, friendlyName: name, deviceType: name, manufacturer: name, presentationUrl: "javascript:window.__pwn=1", services: [{ id: "s", type: name, eventUrl: name }], devices: [], notes: [name], error: name, extra: [{ name, text: name }] };
  const message = { id: 1, time: new Date().toISOString(), incoming: true, net: "tcp", local: name, peer: name, kind: name, summary: name, bytes: 0, error: name };
  const server = await new Fake([
    lines.hello({ emulated: true, hostname: name }), lines.search("found", { interfaces: [name], skipped: [name] }), lines.following({ reason: name }),
    lines.gateway({ friendlyName: name, manufacturer: name, modelUrl: "javascript:window.__pwn=1", externalAddress: name, localAddress: name, notes: [name], others: [{ location: name, friendlyName: name, reason: name }], untold: { [name]: name }, services: [{ type: name, controlUrl: name }] }),
    lines.table([lines.row(80, { description: name, internalClient: name, remoteHost: name, id: name })]), ...lines.quiet(), lines.drift([{ ...lines.row(81, { description: name, internalClient: name }), reason: "missing", since: new Date().toISOString() }]),
    { type: "devices", searching: false, devices: [device] }, { type: "wire", messages: [message], missed: 0 }, { type: "log", time: new Date().toISOString(), level: "bad", text: name },
    { type: "event", time: new Date().toISOString(), name, seq: 1, properties: [{ name, value: name }] },
    { type: "check", running: false, at: new Date().toISOString(), check: { open: "no", local: { verdict: "fail", reason: name } } },
    { type: "emulator", profile: name, external: name, mappings: 0, state: "on", quirks: [{ name, doc: name, on: false }] },
  ], {
    "/api/wire/messages/1": { ...message, head: name, xml: `<a b="${name}">${name}</a>`, text: name, notes: [name] }, "/api/emulator/profiles": [{ name, doc: name }],
    "/api/services/s": { id: "s", type: name, actions: [{ name, in: [{ name, dataType: "string", default: name, allowed: [], range: null }, { name, dataType: "string", allowed: [name] }], out: [] }], variables: [{ name, dataType: name }], notes: [name] },
  }).start();
  const p = await page(t, server.url);
  const job = { id: "1", verb: "delete", what: name, state: "failed", started: "", ended: new Date().toISOString(), results: [{ id: name, outcome: "failed", error: { error: name, hint: name, upnpName: name } }], error: null };
  server.say({ type: "job", job });
  await p.locator(".line").first().waitFor();
  await p.locator(".fold").first().locator("summary").first().click();
  for (const name of ["open", "protocol", "devices", "emulator"]) await section(p, name);
  await section(p, "protocol");
  await p.locator(".rows .message").click();
  await p.locator(".message-body").waitFor();
  await section(p, "devices");
  await p.locator(".twig").last().click();
  await p.locator(".action").first().waitFor();
  assert.equal(await inert(p), 0, name);
  assert.equal(await p.evaluate(() => window.__pwn), undefined, name);
  if (name === NAMES[10]) await shot(p, "hostile");
  assert.equal(await p.locator("a[href^='javascript']").count(), 0);
  await p.close();
  await server.stop();
}

test("what turns text around is gone, or stays within its cell", async (t) => {
  const program = await ui(t);
  const p = await visit(t, program.url);
  await program.put(7000, { description: "\u202Egnp.exe\u001b[31m<b>bold</b>" });
  const words = p.locator(".line", { hasText: "7000" }).locator(".c-description .words");
  await words.waitFor();
  await eventually("only what can be seen is left", async () => !/[\u202E\u001b]/.test(await words.textContent()));
  assert.match(await words.textContent(), /<b>bold<\/b>/);
});
