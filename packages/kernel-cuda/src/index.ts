export { createCudaKernel, type CudaKernelOptions } from "./create.ts";
export { CudaKernel } from "./kernel.ts";
export { provider } from "./provider.ts";
