import { defineConfig } from "vitest/config";
import { root, workspacePackages } from "./workspace.mjs";

/** Resolves workspace packages to their sources, so that tests need no build of the packages that they import. */
export const alias = workspacePackages()
  .flatMap(({ entries }) => [...entries])
  .map(([name, source]) => ({ find: new RegExp(`^${name}$`), replacement: root + source }));

/** Shared by every package's `vitest.config.ts`. Files under test/browser belong to the browser run alone. */
export default defineConfig({
  resolve: { alias },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/browser/**", "**/node_modules/**"],
    testTimeout: 60_000,
  },
});
