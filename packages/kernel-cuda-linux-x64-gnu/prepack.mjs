// Takes along the addon of packages/kernel-cuda, built from what is there now.

import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildAddon } from "../kernel-cuda/scripts/build-addon.mjs";

if (process.platform !== "linux" || process.arch !== "x64") {
  throw new Error(
    `this package is for linux on x64, the addon here is for ${process.platform} on ${process.arch}`,
  );
}
const lack = buildAddon();
if (lack !== undefined) throw new Error(`this package is its addon, which cannot be built: ${lack}`);
copyFileSync(
  fileURLToPath(new URL("../kernel-cuda/build/mamba-cuda.node", import.meta.url)),
  fileURLToPath(new URL("mamba-cuda.node", import.meta.url)),
);
