import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string) => fileURLToPath(new URL(`../packages/${name}/src/index.ts`, import.meta.url));

/** Workspace packages resolve to their sources, so that tests need no build of the packages below them. */
export const alias = Object.fromEntries(
  ["kernel", "core", "kernel-cpu", "conformance", "checkpoint"].map((name) => [
    `@mamba/${name}`,
    source(name),
  ]),
);

/** What every package's `vitest.config.ts` exports. Files under test/browser belong to the browser run alone. */
export default defineConfig({
  resolve: { alias },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/browser/**", "**/node_modules/**"],
    testTimeout: 60_000,
  },
});
