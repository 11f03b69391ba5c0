import { defineConfig } from "vitest/config";

/** All tests that run in Node. A package's own are `vitest run` in its folder. */
export default defineConfig({ test: { projects: ["packages/*", "apps/*", "tooling"] } });
