// The browser: Debian's, without a window.

import { chromium } from "playwright-core";

export function launch() {
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...asRoot, "--disable-dev-shm-usage"] });
}
