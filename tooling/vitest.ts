import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string) => fileURLToPath(new URL(`../packages/${name}/src/index.ts`, import.meta.url));

/** Workspace packages resolve to their sources, so that tests need no build of the packages below them. */
export const alias = Object.fromEntries(
  ["kernel", "core", "kernel-cpu", "conformance", "checkpoint"].map((name) => [`@mamba/${name}`, source(name)]),
);

export default defineConfig({
  resolve: { alias },
  test: { include: ["src/**/*.test.ts", "test/**/*.test.ts"], testTimeout: 60_000 },
});
