import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { launchOptions, webgpuArgs } from "./tooling/chromium.mjs";
import { alias } from "./tooling/vitest.ts";

const packages = fileURLToPath(new URL("packages", import.meta.url));
const globalSetup = fileURLToPath(new URL("tooling/requireChromium.mjs", import.meta.url));

// A page has shared memory, and therefore worker threads, only under these headers.
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Packages with an entry for browsers are resolved to it. */
const browserAlias = alias.map(({ find, replacement }) => {
  const entry = replacement.replace(/\bindex\.ts$/, "browser.ts");
  return { find, replacement: existsSync(entry) ? entry : replacement };
});

function projects(name: string) {
  if (name === "kernel-webgpu") return [project(name, name, {}, webgpuArgs)];
  return [
    project(name, `${name} (cross-origin isolated)`, isolation, []),
    project(name, `${name} (not isolated)`, {}, []),
  ];
}

function project(folder: string, name: string, headers: Record<string, string>, flags: readonly string[]) {
  return {
    root: `${packages}/${folder}`,
    resolve: { alias: browserAlias },
    server: { host: "127.0.0.1", headers },
    test: {
      name,
      globalSetup,
      include: ["test/browser/**/*.test.ts"],
      testTimeout: 120_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: launchOptions(flags) }),
        instances: [{ browser: "chromium" as const }],
      },
    },
  };
}

/**
 * The tests under each package's `test/browser`, run twice in Chromium: with and without cross-origin isolation. The WebGPU
 * backend uses no worker threads, so its tests run once.
 */
export default defineConfig({
  test: {
    projects: readdirSync(packages)
      .filter((name) => existsSync(`${packages}/${name}/test/browser`))
      .flatMap(projects),
  },
});
