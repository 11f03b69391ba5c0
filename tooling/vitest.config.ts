import { defineConfig } from "vitest/config";
import { alias } from "./vitest.ts";

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["*.test.ts", "{cuda-host,gpu-check}/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
