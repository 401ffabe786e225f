import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, eventually, section, shot, ui, visit } from "./browser.js";
import { Fake } from "./fake.js";
import * as lines from "./lines.js";

// What devices may call themselves.
const NAMES = [
  "<script>window.__pwn=1</script>", "<img src=x onerror=window.__pwn=1>", "\"><svg onload=window.__pwn=1>", "javascript:window.__pwn=1", "</textarea><iframe srcdoc='<script>parent.__pwn=1</script>'>",
  "{{constructor.constructor('window.__pwn=1')()}}", "${window.__pwn=1}", "&lt;b&gt;not bold&lt;/b&gt;", "\u001b]52;c;cHdu\u0007\u001b[31mred", "\u009b31m", "\u202Egnp.exe\u2066", "line\nforged", "\u0000nul", "a".repeat(4000), "\u202E\u202D\u200Fال\u200B", "__proto__",
];
const now = new Date().toISOString();

const device = (name, i) => ({
  id: `d${i}`, location: name, address: name, friendlyName: name, deviceType: name, manufacturer: name, presentationUrl: "javascript:window.__pwn=1",
  services: [{ id: `s${i}`, type: name, eventUrl: name }], devices: [], notes: [name], error: name, extra: [{ name, text: name }],
});
const message = (name, i) => ({ id: i + 1, time: now, incoming: true, net: "tcp", local: name, peer: name, kind: name, summary: name, bytes: 0, error: name });
const job = (name, i) => ({ id: `j${i}`, verb: "delete", what: name, state: "failed", started: now, ended: new Date().toISOString(), results: [{ id: name, outcome: "failed", error: { error: name, hint: name, upnpName: name } }], error: null });
const service = (name) => ({ type: name, actions: [{ name, in: [{ name, dataType: "string", default: name }, { name, dataType: "string", allowed: [name] }], out: [{ name }] }], variables: [{ name, dataType: name }], notes: [name] });

// hostile is the present of a network where all have such names.
function hostile(name) {
  const gateway = { friendlyName: name, manufacturer: name, modelUrl: "javascript:window.__pwn=1", externalAddress: name, localAddress: name, notes: NAMES, others: [{ location: name, friendlyName: name, reason: name }], untold: { [name]: name }, services: [{ type: name, controlUrl: name }] };
  return [
    lines.hello({ emulated: true, hostname: name }), lines.search("found", { interfaces: NAMES, skipped: NAMES }), lines.following({ reason: name }), lines.gateway(gateway),
    lines.table(NAMES.map((n, i) => lines.row(80 + i, { description: n, internalClient: n, remoteHost: n, id: n }))), ...lines.quiet(),
    lines.drift(NAMES.map((n, i) => ({ ...lines.row(200 + i, { description: n, internalClient: n }), reason: "missing", since: now }))),
    { type: "devices", searching: false, devices: NAMES.map(device) }, { type: "wire", messages: NAMES.map(message), missed: 0 },
    ...NAMES.map((text) => ({ type: "log", time: now, level: "bad", text })), ...NAMES.map((n) => ({ type: "event", time: now, name: n, seq: 1, properties: [{ name: n, value: n }] })),
    { type: "check", running: false, at: now, check: { open: "no", local: { verdict: "fail", reason: name } } }, { type: "subscriptions", subscriptions: [{ id: "u", name, service: "s", state: "lost", reason: name }] },
    { type: "emulator", profile: name, external: name, mappings: 0, state: "on", quirks: NAMES.map((n) => ({ name: n, doc: n, on: false })) },
  ];
}

const answers = Object.fromEntries([
  ["/api/emulator/profiles", NAMES.map((name) => ({ name, doc: name }))],
  ...NAMES.map((name, i) => [`/api/wire/messages/${i + 1}`, { ...message(name, i), head: name, xml: `<a b="${name}">${name}</a>`, text: name, notes: [name] }]),
  ...NAMES.map((name, i) => [`/api/services/s${i}`, service(name)]),
]);

// inert tells that all that was shown is text, and nothing in it acts.
async function inert(page, where) {
  const found = await page.evaluate(() => document.querySelectorAll("main :is(script, img, iframe, b, [onerror], [onload]), dialog :is(script, img), #jobs img, a[href^=javascript]").length);
  assert.equal(found, 0, where);
  assert.equal(await page.evaluate(() => window.__pwn), undefined, where);
  const acting = await page.evaluate(() => /(?!\n|\t)[\p{Cc}\p{Cf}]/u.exec(document.body.textContent)?.[0].codePointAt(0));
  assert.equal(acting, undefined, `${where}: a character that acts`);
}

for (const name of [NAMES[0], NAMES[10]]) {
  test(`names are text, wherever they stand: ${JSON.stringify(name)}`, async (t) => {
    const server = await new Fake(hostile(name), answers).start();
    atEnd(t, () => server.stop());
    const page = await visit(t, server.url);
    NAMES.forEach((n, i) => server.say({ type: "job", job: job(n, i) }));
    await page.locator(".line").first().waitFor();
    await page.locator(".fold > summary").first().click();
    await page.locator(".job").last().waitFor();
    await shot(page, "hostile");
    await inert(page, "Mappings");
    for (const where of ["open", "emulator"]) {
      await section(page, where);
      await inert(page, where);
    }
    await page.evaluate(() => document.querySelector("#jobs").replaceChildren());
    await section(page, "protocol");
    await page.locator(".ladder").evaluate((box) => box.scrollTo(0, 0));
    for (let i = 1; i <= NAMES.length; i++) {
      await page.locator(`.message[data-id="${i}"]`).click();
      await eventually("it is shown", async () => (await page.locator(`.message[data-id="${i}"]`).getAttribute("aria-selected")) === "true" && (await page.locator(".message-body").count()) === 1);
      await inert(page, `message ${i}`);
    }
    await section(page, "devices");
    for (let i = 0; i < NAMES.length; i++) {
      for (const id of [`d${i}`, `s${i}`]) {
        await page.locator(`[data-id="${id}"]`).click();
        await inert(page, id);
      }
    }
  });
}

test("what turns text around is gone", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await program.put(7000, { description: "\u202Egnp.exe\u001b[31m<b>bold</b>" });
  const words = page.locator(".line", { hasText: "7000" }).locator(".c-description .words");
  await words.waitFor();
  assert.doesNotMatch(await words.textContent(), /[\u202E\u001b]/);
  assert.match(await words.textContent(), /<b>bold<\/b>/);
});
