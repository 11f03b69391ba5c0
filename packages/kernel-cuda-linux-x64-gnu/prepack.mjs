// Builds the addon of packages/kernel-cuda and copies it to this package.

import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildAddon } from "../kernel-cuda/scripts/buildAddon.mjs";

if (process.platform !== "linux" || process.arch !== "x64") {
  throw new Error(
    `this package is for linux on x64, this machine builds for ${process.platform} on ${process.arch}`,
  );
}
const lack = buildAddon();
if (lack !== undefined) throw new Error(`the addon of this package cannot be built: ${lack}`);
copyFileSync(
  fileURLToPath(new URL("../kernel-cuda/build/mamba-cuda.node", import.meta.url)),
  fileURLToPath(new URL("mamba-cuda.node", import.meta.url)),
);
