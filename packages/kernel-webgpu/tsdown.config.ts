import { defineConfig } from "tsdown";

/** Removes the indentation and the lines of comment of WGSL, which no minifier does: bundles of apps hold the text as it is. */
const wgsl = {
  name: "wgsl",
  transform: (code: string): string =>
    code.replaceAll(/\/\* wgsl \*\/ `[^`]*`/g, (text) =>
      text.replaceAll(/\n\s*(\/\/[^\n]*)?(?=\n)|(?<=\n)\s+/g, ""),
    ),
};

export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  dts: true,
  platform: "neutral",
  plugins: [wgsl],
});
