import { defineConfig } from "vitest/config";

/**
 * All tests that run in Node. A package's own are `vitest run` in its folder. By default Vitest leaves one core unused, which is half of a
 * machine with two.
 */
export default defineConfig({
  test: { projects: ["packages/*", "apps/*", "tooling"], maxWorkers: "100%" },
});
