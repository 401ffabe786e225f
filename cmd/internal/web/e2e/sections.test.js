import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessible, eventually, fits, row, section, shot, ui, visit } from "./browser.js";

const messages = (page, words) => page.locator(".rows .message", { hasText: words });
// search leaves only what finds devices in the ladder, which shows the newest of all else.
const search = (page) => page.getByLabel("Filter messages").fill("m-search");
const twig = (page, words) => page.locator(".twig", { hasText: words }).first();

test("the ladder shows what is said, to read and byte by byte", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await section(page, "protocol");
  await page.getByLabel("Filter messages").fill("getexternalipaddress");
  const asked = messages(page, "GetExternalIPAddress").first();
  await asked.waitFor();
  assert.equal(await asked.locator(".arrow").getAttribute("aria-label"), "sent");
  await asked.click();
  await page.locator(".detail .code.xml", { hasText: "u:GetExternalIPAddress" }).waitFor();
  await accessible(page, "protocol");
  await page.getByRole("button", { name: "Exact bytes" }).click();
  const bytes = await page.locator(".detail .code").textContent();
  assert.match(bytes, /^POST .* HTTP\/1\.1␍\n/);
  assert.match(bytes, /\n␍\n<\?xml/);
  const answer = messages(page, "→ 200").first();
  assert.match(await answer.locator(".m-5").textContent(), /ms$/);
  await answer.click();
  await page.getByRole("button", { name: /Answers message/ }).click();
  await eventually("the question is shown", async () => /to 192/.test(await page.locator(".detail header").textContent()));
});

test("the ladder pauses, clears, and opens what it saved", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await section(page, "protocol");
  await search(page);
  await messages(page, "M-SEARCH").first().waitFor();
  await page.getByLabel("Filter messages").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(/paused/).waitFor();
  const before = await page.locator(".about").textContent();
  await program.post("/api/refresh");
  assert.equal((await page.locator(".about").textContent()).split(" ")[0], before.split(" ")[0]);
  await page.getByRole("button", { name: "Go on" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download .wire" }).click()]);
  assert.match(await readFile(await download.path(), "utf8"), /^upnp-wire 1 /);
  await page.getByRole("button", { name: "Clear" }).click();
  await eventually("the first search is gone", async () => (await messages(page, "M-SEARCH").count()) === 0);
  await page.getByLabel("A .wire file").setInputFiles({ name: "saved.wire", mimeType: "text/plain", buffer: await readFile(await download.path()) });
  await page.locator(".about", { hasText: "saved.wire" }).waitFor();
  await search(page);
  await messages(page, "M-SEARCH").first().waitFor();
  await shot(page, "protocol-file");
  await page.getByRole("button", { name: "Back to live" }).click();
  await eventually("the live log is back", async () => !/saved/.test(await page.locator(".about").textContent()));
});

test("devices are a tree whose actions can be invoked", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await section(page, "devices");
  await twig(page, "Internet gateway").click();
  await page.locator(".detail-device", { hasText: "uuid:" }).waitFor();
  await accessible(page, "device");
  await page.getByRole("button", { name: "Show XML" }).click();
  await page.locator("dialog .code", { hasText: "<deviceType>" }).waitFor();
  await accessible(page, "device-xml");
  await page.keyboard.press("Escape");
  await twig(page, "WANIPConnection").click();
  const action = page.locator(".action", { hasText: "GetStatusInfo" });
  await action.locator("summary").click();
  await action.getByRole("button", { name: "Invoke" }).click();
  await action.locator(".result", { hasText: "Connected" }).waitFor();
  assert.match(await action.locator(".result").textContent(), /In [\d.]+ ms/);
  await accessible(page, "service");
  await action.getByRole("button", { name: "Message 1" }).click();
  await page.locator(".detail .code.xml", { hasText: "u:GetStatusInfo" }).waitFor();
});

test("arguments have types, and the router's refusal is told", async (t) => {
  const page = await visit(t, (await ui(t)).url, { allow: ["400"] });
  await section(page, "devices");
  await twig(page, "WANIPConnection").click();
  const action = page.locator(".action", { hasText: "GetSpecificPortMappingEntry" });
  await action.locator("summary").click();
  assert.deepEqual(await action.getByLabel("NewProtocol").locator("option").allTextContents(), ["TCP", "UDP"]);
  await action.getByLabel("NewExternalPort").fill("many");
  await action.getByRole("button", { name: "Invoke" }).click();
  await action.locator(".field", { has: page.getByLabel("NewExternalPort") }).locator(".problem:not([hidden])").waitFor();
  await action.getByLabel("NewExternalPort").fill("4711");
  await action.getByRole("button", { name: "Invoke" }).click();
  await action.locator(".result", { hasText: "UPnP 714" }).waitFor();
});

test("events are told as they come", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await section(page, "devices");
  await twig(page, "WANIPConnection").click();
  await page.getByRole("button", { name: "Subscribe to its events" }).click();
  await page.getByRole("button", { name: "Stop listening", exact: true }).waitFor();
  await page.locator(".events", { hasText: "PortMappingNumberOfEntries" }).waitFor();
  await program.post("/api/emulator/address", { address: "203.0.113.77" });
  await page.locator(".events", { hasText: "203.0.113.77" }).waitFor();
  await page.getByLabel("Filter events").fill("203.0.113.77");
  await eventually("one event is left", async () => (await page.locator(".events > li").count()) === 1);
  await accessible(page, "events");
  await page.locator("#devices > .card").last().getByRole("button", { name: "Clear" }).click();
  await page.getByText("None yet.").waitFor();
});

test("a device can be added by its address", async (t) => {
  const page = await visit(t, (await ui(t)).url, { allow: ["400"] });
  await section(page, "devices");
  await page.getByRole("button", { name: "Add by URL" }).click();
  await accessible(page, "add-device");
  await page.getByLabel("Address of its description").fill("nonsense");
  await page.keyboard.press("Enter");
  await page.locator("dialog .problem:not([hidden])").waitFor();
  await page.getByLabel("Address of its description").fill("http://192.168.1.1:5000/root.xml");
  await page.keyboard.press("Enter");
  await page.locator("dialog").waitFor({ state: "detached" });
  await twig(page, "Internet gateway").waitFor();
});

test("the test server is started, checked and stopped", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await section(page, "open");
  await accessible(page, "open");
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("Running on port 9542").waitFor();
  await page.locator(".steps [data-verdict=pass]", { hasText: "A program listens" }).waitFor();
  await page.locator(".steps [data-verdict=pass]", { hasText: "The router has the mapping" }).waitFor();
  await eventually("there is a verdict", async () => /^(Open|Not open|Not sure)$/.test(await page.locator("#open .big-word").last().textContent()));
  await accessible(page, "open-checked");
  await section(page, "mappings");
  await row(page, "TCP 9542").waitFor();
  await section(page, "open");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Start" }).waitFor();
  await section(page, "mappings");
  await row(page, "TCP 9542").waitFor({ state: "detached" });
});

test("the emulated router has its switches", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await section(page, "emulator");
  await accessible(page, "emulator");
  const quirk = page.getByRole("switch", { name: "lease-402" });
  await quirk.click();
  await eventually("it is on", async () => (await quirk.getAttribute("aria-checked")) === "true");
  await page.getByLabel("Filter quirks").fill("lease-402");
  assert.equal(await page.getByRole("switch").count(), 1);
  await page.getByLabel("External address", { exact: true }).fill("203.0.113.5");
  await page.getByRole("button", { name: "Change the address" }).click();
  await section(page, "mappings");
  await page.locator(".address.big", { hasText: "203.0.113.5" }).waitFor();
  await section(page, "emulator");
  await page.getByRole("button", { name: "Open it as that host" }).click();
  await section(page, "mappings");
  await row(page, "TCP 25565").waitFor();
  await section(page, "emulator");
  await page.getByRole("button", { name: "Forget all mappings" }).click();
  await page.getByRole("button", { name: "Forget them" }).click();
  await section(page, "mappings");
  await page.getByText("No ports are open").waitFor();
});

test("every section fits a phone, light and dark", async (t) => {
  const page = await visit(t, (await ui(t)).url, { width: 320, height: 640, scheme: "dark" });
  for (const name of ["mappings", "open", "protocol", "devices", "emulator"]) {
    await section(page, name);
    if (name === "devices") await twig(page, "WANIPConnection").click();
    if (name === "protocol") await search(page);
    if (name === "protocol") await messages(page, "M-SEARCH").first().click();
    await fits(page);
    await accessible(page, `phone-${name}`);
  }
  await section(page, "mappings");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await accessible(page, "phone-add");
  await page.keyboard.press("Escape");
  await page.locator(".line").first().locator(".c-description").click();
  await page.getByRole("button", { name: "Change" }).waitFor();
});
