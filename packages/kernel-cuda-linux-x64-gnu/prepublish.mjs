// What is published has machine code for every architecture; PTX alone will do for work on the kernels.

import { architectures, readTable, sourceDigest } from "../kernel-cuda/scripts/build-kernels.mjs";

const table = readTable();
const missing = architectures.filter((arch) => !table?.architectures.includes(arch));
if (table?.digest !== sourceDigest() || missing.length > 0) {
  const lack = missing.length > 0 ? `have no code for ${missing.join(", ")}` : "are older than their sources";
  throw new Error(`the compiled kernels ${lack}: run pnpm --filter @mamba/kernel-cuda build:kernels`);
}
