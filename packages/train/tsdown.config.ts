import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts", "src/data.ts", "src/node.ts"],
  format: "esm",
  dts: true,
  platform: "neutral",
  // Private packages of this workspace become part of dist; the build fails for a package from npm that is bundled.
  deps: { neverBundle: [/^node:/], onlyBundle: [] },
});
