import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessible, eventually, row, section, ui, visit } from "./browser.js";

const dialog = (page) => page.locator("dialog");
const field = (page, name) => page.locator(`dialog [data-name="${name}"] :is(input, select)`);
const card = (page, words) => page.locator(".job", { hasText: words });

// add opens a port by the dialog and waits for its end.
async function add(page, port, more = async () => {}) {
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await field(page, "externalPort").fill(port);
  await more();
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
}

test("adds a port, and tells what the router made of it", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await accessible(page, "add");
  await field(page, "externalPort").fill("9542");
  await field(page, "description").fill("my game");
  assert.match(await page.locator(".preview").textContent(), /TCP 9542 of the router will lead to this computer, for 1 h/);
  await page.keyboard.press("Enter");
  await dialog(page).waitFor({ state: "detached" });
  await card(page, "TCP 9542 → 192.168.1.2:9542 is open, for 1 h. Read back").waitFor();
  const cells = row(page, "TCP 9542").locator("[role=gridcell]");
  assert.deepEqual((await cells.allTextContents()).slice(2, 7), ["my game", "TCP", "9542", "TCP 9542 → 192.168.1.2:9542", "anyone"]);
  assert.match(await cells.nth(7).textContent(), /59 min|1 h/);
});

test("adds a range of both protocols as one job", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await add(page, "4000-4002", () => page.locator("dialog label", { hasText: "both" }).click());
  for (const port of [4000, 4001, 4002]) for (const protocol of ["TCP", "UDP"]) await row(page, `${protocol} ${port}`).waitFor();
  await card(page, "6 mappings as wished").waitFor();
  assert.equal(await page.locator(".job").count(), 1);
});

test("says at the field what is wrong, and sends nothing", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  for (const [words, problem] of [["70000", /from 1 to 65535/], ["20-10", /comes after/], ["ssh", /Write a port/]]) {
    await field(page, "externalPort").fill(words);
    await page.keyboard.press("Enter");
    assert.match(await page.locator("[data-name=externalPort] .problem").textContent(), problem);
    assert.equal(await field(page, "externalPort").getAttribute("aria-invalid"), "true");
  }
  assert.equal(await page.locator(".job").count(), 0);
});

test("asks before opening what had better stay closed", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await field(page, "externalPort").fill("22");
  const know = page.getByLabel(/I know that .* can then be reached from the whole Internet/);
  await know.waitFor();
  await page.keyboard.press("Enter");
  assert.ok(await know.evaluate((box) => box === document.activeElement), "the question has the focus");
  await know.check();
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
  await row(page, "TCP 22").waitFor();
});

test("knows the ports of common services", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const preset = page.getByLabel("For", { exact: true });
  await preset.selectOption({ index: await preset.locator("option").allTextContents().then((all) => all.findIndex((o) => o.includes("Minecraft"))) });
  assert.equal(await field(page, "externalPort").inputValue(), "25565");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await row(page, "TCP 25565").waitFor();
});

test("edits a mapping, and keeps it when the router refuses", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await add(page, "9542");
  await row(page, "TCP 9542").getByLabel("Edit").click();
  await accessible(page, "edit");
  await field(page, "externalPort").fill("9600");
  await field(page, "description").fill("moved");
  await page.getByRole("button", { name: "Change" }).click();
  await row(page, "TCP 9600").getByText("moved").waitFor();
  await row(page, "TCP 9542").waitFor({ state: "detached" });
  await program.post("/api/emulator/quirks", { name: "privileged-606", on: true });
  await row(page, "TCP 9600").getByLabel("Edit").click();
  await field(page, "externalPort").fill("999");
  await page.getByRole("button", { name: "Change" }).click();
  await page.locator("dialog .failure", { hasText: "UPnP 606" }).waitFor();
  await accessible(page, "edit-refused");
  await page.keyboard.press("Escape");
  await row(page, "TCP 9600").waitFor();
});

test("does not change a mapping into another one", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await add(page, "9542");
  await add(page, "9543");
  await row(page, "TCP 9542").getByLabel("Edit").click();
  await field(page, "externalPort").fill("9543");
  await page.getByRole("button", { name: "Change" }).click();
  assert.match(await page.locator("[data-name=externalPort] .problem").textContent(), /Taken: TCP 9543/);
});

test("deletes after a question, and says whose it is", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await program.put(7000);
  await row(page, "TCP 7000").getByText("other host", { exact: true }).waitFor();
  await row(page, "TCP 7000").getByLabel("Delete").click();
  await page.locator("dialog", { hasText: "another host" }).waitFor();
  await accessible(page, "delete");
  await page.getByRole("button", { name: "Cancel" }).click();
  await dialog(page).waitFor({ state: "detached" });
  const remove = async () => {
    await row(page, "TCP 7000").getByLabel("Delete").click();
    await page.getByRole("button", { name: "Delete it" }).click();
  };
  await remove();
  await card(page, "UPnP 606").waitFor();
  await program.post("/api/emulator/quirks", { name: "anyone", on: true });
  await remove();
  await row(page, "TCP 7000").waitFor({ state: "detached" });
  await card(page, "is removed").waitFor();
});

test("switches a mapping off and on, and renews it", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await add(page, "9542");
  const power = row(page, "TCP 9542").getByRole("switch");
  for (const state of ["false", "true"]) {
    await power.click();
    await eventually(`the switch is ${state}`, async () => (await power.getAttribute("aria-checked")) === state);
  }
  await page.getByLabel("Select TCP 9542").click();
  await page.getByRole("toolbar").getByRole("button", { name: "Renew" }).click();
  await card(page, "is open, for 1 h").first().waitFor();
});

test("does several at once", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await add(page, "4000-4004");
  await page.getByLabel("Filter the table").fill("192.168.1.2 400");
  await eventually("only the five are shown", async () => (await page.locator(".line").count()) === 5);
  await page.getByLabel("Select TCP 4000").click();
  await page.getByLabel("Select TCP 4003").click({ modifiers: ["Shift"] });
  await page.getByText("4 selected").waitFor();
  await accessible(page, "selected");
  await page.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete 4 mappings" }).click();
  await eventually("one is left", async () => (await page.locator(".line").count()) === 1);
});

test("sorts and filters", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await program.post("/api/emulator/wipe");
  for (const [port, description] of [[300, "b"], [20, "c"], [1000, "a"]]) await program.put(port, { description });
  const order = () => page.locator(".line .c-externalPort").allTextContents();
  await eventually("by port", async () => (await order()).join() === "20,300,1000");
  await page.getByRole("button", { name: "Description" }).click();
  await eventually("by description", async () => (await order()).join() === "1000,300,20");
  await page.getByRole("button", { name: "Description" }).click();
  await eventually("the other way", async () => (await order()).join() === "20,300,1000");
  assert.equal(await page.locator(".c-description[role=columnheader]").getAttribute("aria-sort"), "descending");
  await page.getByLabel("Filter the table").fill("nothing like it");
  await page.getByText("0 of 3 mappings").waitFor();
});

test("follows changes by itself, and says how it knows", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await page.locator(".tag", { hasText: "live" }).waitFor();
  await program.put(7001, { description: "while you look" });
  await row(page, "TCP 7001").waitFor();
  await page.locator(".last", { hasText: "added TCP 7001 → 192.168.1.77:7001 (live)" }).waitFor();
});

test("offers to look again when it does not listen", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await page.locator(".tag", { hasText: "live" }).waitFor();
  await page.getByLabel("Automatically listen for changes").uncheck();
  await page.getByText(/The table is as of .*; changes by others are not seen/).waitFor();
  await program.put(7002);
  await accessible(page, "not-listening");
  assert.equal(await row(page, "TCP 7002").count(), 0);
  await page.locator(".following").getByRole("button", { name: "Refresh" }).click();
  await row(page, "TCP 7002").waitFor();
});

test("keeps what went missing, and restores it with one click", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await add(page, "9542");
  await program.post("/api/emulator/wipe");
  await page.locator("#drift", { hasText: "TCP 9542" }).waitFor();
  await row(page, "TCP 9542").getByText("missing").waitFor();
  await accessible(page, "drift");
  await page.locator("#drift").getByRole("button", { name: "Restore" }).click();
  await eventually("nothing is missing", () => page.locator("#drift").isHidden());
  await row(page, "TCP 9542").getByRole("switch").waitFor();
});

test("forgets what need not come back", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await add(page, "9542");
  await program.post("/api/emulator/wipe");
  await page.locator("#drift").getByRole("button", { name: "Forget" }).click();
  await row(page, "TCP 9542").waitFor({ state: "detached" });
  await page.getByText("No ports are open").waitFor();
});

test("goes through a reboot with what it keeps open", async (t) => {
  const program = await ui(t);
  const page = await visit(t, program.url);
  await add(page, "9542", () => page.getByLabel(/Keep it open/).check());
  await row(page, "TCP 9542").getByText("kept open").waitFor();
  await section(page, "emulator");
  await page.getByRole("button", { name: "Reboot" }).click();
  await section(page, "mappings");
  await eventually("the restart is told", async () => /router restarts/.test(await page.locator("#activity").textContent()));
  await eventually("the router has the mapping again", async () => {
    const { state, mappings } = await program.emulator();
    return state === "on" && mappings === 1;
  });
  await row(page, "TCP 9542").getByText("kept open").waitFor();
  await row(page, "TCP 9542").getByRole("switch").waitFor();
});

test("takes mappings to a file and back", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await add(page, "9542", () => field(page, "description").fill("my game"));
  await page.getByRole("button", { name: "Export" }).click();
  await accessible(page, "export");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "This computer's" }).click()]);
  const file = await readFile(await download.path(), "utf8");
  assert.match(file, /^9542.*"my game"$/m);
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByLabel("or its text").fill(`${file}\n9600:80 "more"\n`);
  await page.getByRole("button", { name: "Show what would change" }).click();
  await page.locator("dialog li", { hasText: "opens TCP 9600" }).waitFor();
  await accessible(page, "import");
  await page.locator("dialog").getByRole("button", { name: "Import", exact: true }).click();
  await row(page, "TCP 9600").waitFor();
});

test("copies addresses", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  const shown = await page.locator(".address.big .address-value").textContent();
  await page.getByLabel("Copy external address").click();
  await eventually("it is in the clipboard", async () => (await page.evaluate(() => navigator.clipboard.readText())) === shown);
});

test("shows all that the router says of itself", async (t) => {
  const page = await visit(t, (await ui(t)).url);
  await page.getByText("All the router says of itself").click();
  for (const words of ["Friendly name", "UDN", "NAT", "Upstream", "AddAnyPortMapping", "WANIPConnection:2", "Searched"]) await page.locator(".facts", { hasText: words }).first().waitFor();
  await accessible(page, "facts");
});

test("a second tab sees the same, and a reload keeps the key", async (t) => {
  const program = await ui(t);
  const [one, two] = [await visit(t, program.url), await visit(t, program.url)];
  await add(one, "9542");
  await row(two, "TCP 9542").waitFor();
  assert.ok(!two.url().includes(program.secret), "the key is not in the address bar");
  await two.reload();
  await row(two, "TCP 9542").waitFor();
});
