import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/main.ts"],
  format: "esm",
  platform: "node",
  fixedExtension: false,
  // Private packages of this workspace, which are devDependencies, become part of dist. What they depend on must be a
  // dependency of this package: the build fails for a package from npm that is bundled.
  deps: { onlyBundle: [] },
});
