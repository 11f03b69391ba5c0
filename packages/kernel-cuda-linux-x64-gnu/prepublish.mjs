// What is published has machine code for every architecture; PTX alone will do for work on the kernels.

import { lackOfKernels } from "../kernel-cuda/scripts/build-kernels.mjs";

const lack = lackOfKernels();
if (lack !== undefined) {
  throw new Error(`the compiled kernels ${lack}: run pnpm --filter @mamba/kernel-cuda build:kernels`);
}
