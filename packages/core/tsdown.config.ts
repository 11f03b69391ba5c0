import { defineConfig } from "tsdown";

export default defineConfig({
  entry: { index: "src/index.ts", safetensors: "src/safetensors/index.ts" },
  format: "esm",
  dts: true,
  platform: "neutral",
});
