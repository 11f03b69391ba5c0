import { defineConfig } from "playwright/test";
import { chromiumArgs, findChromium } from "../../tooling/chromium.mjs";

const executablePath = findChromium();
if (executablePath === undefined) {
  throw new Error("the tests of the page need Chromium: install it or set CHROMIUM_PATH");
}

/** Tests that drive the built page in Chromium, as a visitor would. */
export default defineConfig({
  testDir: "test/pages",
  outputDir: "../../node_modules/.cache/mamba/pages",
  workers: 1,
  // A shared machine can be slow; what waits for something ends as soon as it is there.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  use: { browserName: "chromium", launchOptions: { executablePath, args: chromiumArgs } },
});
