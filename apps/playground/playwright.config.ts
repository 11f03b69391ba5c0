import { fileURLToPath } from "node:url";
import { defineConfig } from "playwright/test";
import { launchOptions } from "../../tooling/chromium.mjs";

/** Tests that use the built page in Chromium as a visitor would. */
export default defineConfig({
  testDir: "test/pages",
  outputDir: "../../node_modules/.cache/mamba/pages",
  globalSetup: fileURLToPath(new URL("../../tooling/requireChromium.mjs", import.meta.url)),
  // The tests mostly wait for pages.
  workers: 2,
  // A machine that runs other jobs can be slow; each wait ends as soon as its condition holds.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  use: { browserName: "chromium", launchOptions: launchOptions() },
});
