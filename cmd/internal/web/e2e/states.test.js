import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, atEnd, eventually, fits, shot, visit } from "./browser.js";
import { Fake } from "./fake.js";
import * as lines from "./lines.js";

// fake is a server of the page that is over with its test.
async function fake(t, all, answers) {
  const server = await new Fake(all, answers).start();
  atEnd(t, () => server.stop());
  return server;
}

const failure = (error, more = {}) => ({ error, kind: "failed", ...more });
const ready = (...more) => [lines.hello(), lines.search("found"), lines.following(), lines.gateway(), ...lines.quiet(), ...more];
const nothing = { elapsedSeconds: 4.2, skipped: ["wlan0: is down"], failures: ["eth1: no route to host"], rejected: [{ location: "http://192.168.1.9/x.xml", friendlyName: "Television", reason: "opens no ports" }] };

const STATES = {
  searching: { begin: [lines.hello(), lines.search("searching", { elapsedSeconds: 1 }), ...lines.quiet()], says: "Looking for your router" },
  "searching-long": { begin: [lines.hello(), lines.search("searching", { elapsedSeconds: 5, candidates: [{ friendlyName: "Attic router", location: "http://192.168.1.1/" }] }), ...lines.quiet()], says: "Attic router answered" },
  reading: { begin: [lines.hello(), lines.search("found"), { ...lines.gateway({ externalAddress: "", status: { connection: "", uptimeSeconds: 0 }, connected: false }), state: "reading" }, ...lines.quiet()], says: "Attic router" },
  none: { begin: [lines.hello(), lines.search("none", nothing), ...lines.quiet()], says: "No router answered" },
  "router-lost": { begin: ready(lines.table([lines.row(80)]), { ...lines.gateway(), state: "lost", reason: "connection refused" }), says: "The router does not answer any more" },
  "double-nat": { begin: ready({ ...lines.gateway({ externalAddress: "192.168.100.2", addressClass: "private" }) }, lines.table([])), says: "this router is behind another one" },
  empty: { begin: ready(lines.table([])), says: "No ports are open" },
  "table-refused": { begin: ready(lines.table([], { state: "failed", error: failure("the router does not let anybody read its table", { kind: "refused", upnpCode: 606, upnpName: "Action not authorized", hint: "mappings can be added all the same" }) })), says: "UPnP 606 Action not authorized" },
  polling: { begin: ready(lines.table([lines.row(80)]), lines.following({ source: "polling", reason: "the router refuses subscriptions" })), says: "the router refuses subscriptions" },
};

for (const [name, { begin, says }] of Object.entries(STATES)) {
  test(`the state ${name}`, async (t) => {
    const server = await fake(t, begin);
    const page = await visit(t, server.url, { wait: false });
    await page.getByText(says).first().waitFor();
    await accessible(page, `state-${name}`);
    for (const width of [400, 320]) {
      await page.setViewportSize({ width, height: 700 });
      await fits(page);
    }
    await shot(page, `state-${name}-phone`);
  });
}

test("a router's address can be given when none answers", async (t) => {
  const server = await fake(t, STATES.none.begin, { "/api/search": { job: "1" } });
  const page = await visit(t, server.url, { wait: false });
  await page.getByLabel("Router's address").fill("192.168.1.1");
  await page.keyboard.press("Enter");
  await eventually("the server is asked", () => server.calls.some((c) => c.path === "/api/search" && c.body.target === "192.168.1.1"));
});

test("the first paint needs no router and no script", async (t) => {
  const server = await fake(t, []);
  const page = await visit(t, server.url, { wait: false });
  await page.getByText("Looking for your router", { exact: true }).waitFor();
});

test("a lost connection is told, and mends by itself", async (t) => {
  const server = await fake(t, ready(lines.table([lines.row(80)])));
  const page = await visit(t, server.url, { allow: ["net::ERR"] });
  const { port } = new URL(server.url);
  await server.stop();
  await page.getByText("The program behind this page does not answer.").waitFor();
  await accessible(page, "state-connection-lost");
  await server.start(Number(port));
  await eventually("all is as before", async () => (await page.locator("#connection").isHidden()) && (await page.locator(".line").count()) === 1);
});

test("without its key the page shows nothing", async (t) => {
  const server = await fake(t, ready());
  const wrong = await visit(t, server.url.replace("secret", "wrong"), { wait: false, allow: ["403"] });
  await wrong.getByText("This page needs its key").waitFor();
  await accessible(wrong, "state-locked");
  const without = await visit(t, new URL("/", server.url).href, { wait: false });
  await without.getByText("This page needs its key").waitFor();
  assert.equal(await without.locator("nav").isVisible(), false);
});

test("a job shows its steps, and what the router changed", async (t) => {
  const server = await fake(t, ready(lines.table([lines.row(80)])), { "/api/mappings/renew": { job: "7" } });
  const page = await visit(t, server.url);
  const job = { id: "7", verb: "renew", what: "3 mappings", state: "running", started: new Date().toISOString(), step: "asking for 80/tcp", done: 1, total: 3, results: [], error: null };
  server.say({ type: "job", job });
  await page.getByText("Renewing 3 mappings").waitFor();
  assert.equal(await page.locator("progress").getAttribute("value"), "1");
  await accessible(page, "job-running");
  const grant = { asked: lines.row(80), mapping: { ...lines.row(80), leaseSeconds: 86400 }, verified: true, tried: [], notes: ["the router made the lease a day"] };
  const results = [
    { id: "80/tcp", outcome: "changed", before: null, grant, error: null },
    { id: "81/tcp", outcome: "unverified", before: null, grant: { ...grant, verified: false, notes: [] }, error: null },
    { id: "82/tcp", outcome: "refused", before: null, grant: null, error: failure("port 82/tcp is taken by 192.168.1.20", { upnpCode: 718, upnpName: "ConflictInMappingEntry", hint: "choose another port" }) },
  ];
  server.say({ type: "job", job: { ...job, state: "failed", ended: new Date().toISOString(), results } });
  for (const words of ["2 of 3 done", "the router made the lease a day", "its table does not show it", "UPnP 718 ConflictInMappingEntry", "Choose another port."]) await page.locator(".job", { hasText: words }).waitFor();
  await accessible(page, "job-over");
});

test("a table grows while it is read for the first time", async (t) => {
  const server = await fake(t, ready());
  const page = await visit(t, server.url);
  server.say(lines.table([lines.row(80)], { state: "reading", count: -1 }));
  await page.locator(".line").first().waitFor();
  server.say(lines.table([lines.row(81)], { from: 1 }));
  await eventually("both are there", async () => (await page.locator(".line").count()) === 2);
});
