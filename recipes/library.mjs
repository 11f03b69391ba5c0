import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";

// The built packages, for recipes that train through the library. `pnpm build` makes them.

export * from "../packages/core/dist/index.js";
export { loadModel, saveModel } from "../packages/checkpoint/dist/index.js";
export { createCpuKernel } from "../packages/kernel-cpu/dist/index.js";
export * from "../packages/train/dist/index.js";
export { idxImages, parseCsv, parseIdx, seriesWindows, shifted } from "../packages/train/dist/data.js";
export { csvFile, idxFile, RunFolder } from "../packages/train/dist/node.js";

// The charts have no built form of their own, since the command line bundles them.
const display = fileURLToPath(new URL("../packages/display/src/index.ts", import.meta.url));
const { outputFiles } = buildSync({ entryPoints: [display], bundle: true, write: false, format: "esm" });
const code = Buffer.from(outputFiles[0]?.contents ?? []).toString("base64");
/** @type {typeof import("../packages/display/src/index.ts")} */
const charts = await import(`data:text/javascript;base64,${code}`);
export const { lossChartSvg } = charts;
