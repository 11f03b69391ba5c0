// A published package has machine code for every architecture; PTX alone is for development.

import { lackOfKernels } from "../kernel-cuda/scripts/buildKernels.mjs";

const lack = lackOfKernels();
if (lack !== undefined) {
  throw new Error(`the compiled GPU kernels ${lack}: run pnpm --filter @mamba/kernel-cuda build:kernels`);
}
