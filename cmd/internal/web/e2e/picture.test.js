import { test } from "node:test";
import { eventually, row, shot, ui, visit } from "./browser.js";

// The picture of the README is output/page.png of this test.
test("a picture of the page", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url, { width: 1180, height: 780 });
  await program.post("/api/emulator/wipe");
  await eventually("the table is empty", async () => (await page.locator(".line").count()) === 0);
  const add = (externalPort, description, more = {}) =>
    program.post("/api/mappings/add", { protocol: "TCP", externalPort, description, leaseSeconds: 3600, internalClient: "", internalPort: 0, ...more });
  await add(25565, "Minecraft", { keep: true });
  await add(8080, "web", { internalPort: 80, leaseSeconds: 604800 });
  await add(51820, "WireGuard", { protocol: "UDP", leaseSeconds: 86400 });
  await program.put(6881, { internalClient: "192.168.1.20", description: "BitTorrent" });
  await row(page, "TCP 25565").getByText("kept open").waitFor();
  await eventually("nothing is in the way", async () => {
    const card = page.getByRole("button", { name: "Dismiss" }).first();
    if (await card.isVisible()) await card.click();
    return (await page.locator(".job").count()) === 0;
  });
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator("[data-name=externalPort] input").fill("9542");
  await page.locator("[data-name=description] input").fill("my game");
  await page.keyboard.press("Enter");
  await page.locator(".job", { hasText: "TCP 9542 → 192.168.1.2:9542 is open" }).waitFor();
  await row(page, "TCP 6881").waitFor();
  await page.mouse.move(0, 0);
  await shot(page, "page");
});
