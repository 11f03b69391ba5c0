import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { chromiumArgs, findChromium } from "./tooling/chromium.mjs";
import { alias } from "./tooling/vitest.ts";

const packages = fileURLToPath(new URL("packages", import.meta.url));
const executablePath = findChromium() ?? noChromium();

// Shared memory, and with it worker threads, exists in a page only under these headers.
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function project(name: string, isolated: boolean) {
  return {
    root: `${packages}/${name}`,
    resolve: { alias },
    server: { host: "127.0.0.1", headers: isolated ? isolation : {} },
    test: {
      name: `${name} (${isolated ? "cross-origin isolated" : "not isolated"})`,
      include: ["test/browser/**/*.test.ts"],
      testTimeout: 120_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: chromiumArgs } }),
        instances: [{ browser: "chromium" as const }],
      },
    },
  };
}

function noChromium(): never {
  throw new Error("browser tests need Chromium: install it or set CHROMIUM_PATH");
}

/** Tests under a package's test/browser, each run twice in Chromium: with and without cross-origin isolation. */
export default defineConfig({
  test: {
    projects: readdirSync(packages)
      .filter((name) => existsSync(`${packages}/${name}/test/browser`))
      .flatMap((name) => [project(name, true), project(name, false)]),
  },
});
