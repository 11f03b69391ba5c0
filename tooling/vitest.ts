import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string, entry = "index") =>
  fileURLToPath(new URL(`../packages/${name}/src/${entry}.ts`, import.meta.url));

/** Workspace packages resolve to their sources, so that tests need no build of the packages below them. */
export const alias = {
  // Before the package itself: the first that fits is taken.
  "@mamba/train/node": source("train", "node"),
  "@mamba/kernel/author": source("kernel", "author"),
  ...Object.fromEntries(
    [
      "kernel",
      "core",
      "kernel-cpu",
      "kernel-webgpu",
      "kernel-cuda",
      "conformance",
      "checkpoint",
      "train",
    ].map((name) => [`@mamba/${name}`, source(name)]),
  ),
};

/** What every package's `vitest.config.ts` exports. Files under test/browser belong to the browser run alone. */
export default defineConfig({
  resolve: { alias },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/browser/**", "**/node_modules/**"],
    testTimeout: 60_000,
  },
});
