import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, row, shot, ui, visit } from "./browser.js";

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim());

async function tab(page, name, most = 40) {
  for (let i = 0; i < most; i++) {
    if ((await focused(page)) === name) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${name}`);
}

test("all of Mappings by keyboard alone", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await tab(page, "Add");
  await page.keyboard.press("Enter");
  await page.keyboard.type("9542");
  await page.keyboard.press("Enter");
  await row(page, "TCP 9542").waitFor();
  await page.locator("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(page), "Add", "the focus is back where it was");
  await page.keyboard.press("n");
  await page.locator("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("9542");
  await eventually("one row is left", async () => (await page.locator(".line").count()) === 1);
  await page.keyboard.press("Tab");
  for (let i = 0; i < 20 && !(await page.evaluate(() => document.activeElement.matches(".line"))); i++) await page.keyboard.press("Tab");
  await shot(page, "keyboard");
  await page.keyboard.press("Space");
  await page.getByText("1 selected").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await eventually("it is switched off", async () => (await row(page, "TCP 9542").getByRole("switch").getAttribute("aria-checked")) === "false");
  await page.keyboard.press("Enter");
  await page.locator("dialog").waitFor();
  await tab(page, "Cancel");
  await page.keyboard.press("Enter");
  assert.ok(await page.evaluate(() => document.activeElement.matches(".line")), "the focus is back on the row");
  await page.keyboard.press("Delete");
  await page.locator("dialog", { hasText: "Delete TCP 9542?" }).waitFor();
  assert.equal(await focused(page), "Cancel", "the harmless answer comes first");
  await tab(page, "Delete it");
  await page.keyboard.press("Enter");
  await row(page, "TCP 9542").waitFor({ state: "detached" });
});

test("arrows move through the table", async (t) => {
  const program = await ui(t);
  await program.post("/api/emulator/wipe");
  await program.post("/api/emulator/put", { protocol: "TCP", externalPort: 10000, count: 300, internalClient: "192.168.1.77", internalPort: 10000, description: "many", leaseSeconds: 3600, enabled: true });
  const page = await visit(t, program.url);
  await eventually("all are there", async () => /300 mappings/.test(await page.locator(".foot").textContent()));
  await page.locator(".line").first().focus();
  const here = () => page.evaluate(() => document.activeElement.querySelector(".c-externalPort")?.textContent);
  for (const [key, port] of [["ArrowDown", "10001"], ["ArrowDown", "10002"], ["ArrowUp", "10001"], ["PageDown", "10011"], ["End", "10299"], ["Home", "10000"]]) {
    await page.keyboard.press(key);
    assert.equal(await here(), port, key);
  }
  await page.keyboard.press("End");
  const box = await page.locator(".line:focus").boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= 860, "the row is in sight");
  await page.keyboard.press("Control+a");
  await page.getByText("300 selected").waitFor();
});

test("the ladder by keyboard alone", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await tab(page, "Protocol");
  await page.keyboard.press("Enter");
  await page.locator(".rows .message").first().waitFor();
  for (let i = 0; i < 20 && !(await page.evaluate(() => document.activeElement.matches(".message"))); i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".detail header").waitFor();
  const first = await page.locator(".detail h2").textContent();
  await page.keyboard.press("ArrowUp");
  await eventually("another message is shown", async () => (await page.locator(".detail h2").textContent()) !== first);
  await page.keyboard.press("Escape");
  await page.locator(".detail").waitFor({ state: "hidden" });
});
