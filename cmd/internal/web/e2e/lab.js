// A browser on a host of the lab (testdata/lab): it opens port 9542 as a person would, and prints
// each port as it appears in the table, until it is interrupted.

import { launch } from "./launch.js";

const browser = await launch();
process.on("SIGINT", () => browser.close().then(() => process.exit(0)));
const page = await browser.newPage();
page.setDefaultTimeout(80000);
await page.exposeFunction("shown", (label) => console.log(`shown ${label}`));
await page.addInitScript(() => {
  const seen = new Set();
  const look = () => {
    for (const port of document.querySelectorAll(".line .c-externalPort")) {
      if (!seen.has(port.textContent)) window.shown(port.textContent);
      seen.add(port.textContent);
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
});
await page.goto(process.argv[2]);
await page.getByText("live", { exact: true }).waitFor();
await page.getByRole("button", { name: "Add", exact: true }).first().click();
await page.locator("[data-name=externalPort] input").fill("9542");
await page.keyboard.press("Enter");
await page.locator(".job", { hasText: "is open" }).waitFor();
console.log("open");
