import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { chromiumArgs, findChromium, webgpuArgs } from "./tooling/chromium.mjs";
import { alias } from "./tooling/vitest.ts";

const packages = fileURLToPath(new URL("packages", import.meta.url));
const executablePath = findChromium() ?? noChromium();

// Shared memory, and with it worker threads, exists in a page only under these headers.
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function projects(name: string) {
  if (name === "kernel-webgpu") return [project(name, name, {}, [...chromiumArgs, ...webgpuArgs])];
  return [
    project(name, `${name} (cross-origin isolated)`, isolation, chromiumArgs),
    project(name, `${name} (not isolated)`, {}, chromiumArgs),
  ];
}

function project(folder: string, name: string, headers: Record<string, string>, flags: string[]) {
  return {
    root: `${packages}/${folder}`,
    resolve: { alias },
    server: { host: "127.0.0.1", headers },
    test: {
      name,
      include: ["test/browser/**/*.test.ts"],
      testTimeout: 120_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: flags } }),
        instances: [{ browser: "chromium" as const }],
      },
    },
  };
}

function noChromium(): never {
  throw new Error("browser tests need Chromium: install it or set CHROMIUM_PATH");
}

/**
 * Tests under a package's test/browser, each run twice in Chromium: with and without cross-origin isolation, which the GPU
 * does not ask for.
 */
export default defineConfig({
  test: {
    projects: readdirSync(packages)
      .filter((name) => existsSync(`${packages}/${name}/test/browser`))
      .flatMap(projects),
  },
});
