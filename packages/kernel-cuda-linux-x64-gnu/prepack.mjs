// Takes along the addon that packages/kernel-cuda has built.

import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

if (process.platform !== "linux" || process.arch !== "x64") {
  throw new Error(
    `this package is for linux on x64, the addon here is for ${process.platform} on ${process.arch}`,
  );
}
copyFileSync(
  fileURLToPath(new URL("../kernel-cuda/build/mamba-cuda.node", import.meta.url)),
  fileURLToPath(new URL("mamba-cuda.node", import.meta.url)),
);
