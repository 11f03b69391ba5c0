import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts", "src/author.ts", "src/quantize.ts"],
  format: "esm",
  dts: true,
  platform: "neutral",
});
