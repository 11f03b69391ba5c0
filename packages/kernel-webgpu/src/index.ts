export { createWebGpuKernel, type WebGpuKernelOptions } from "./create.ts";
export { WebGpuKernel } from "./kernel.ts";
export { provider } from "./provider.ts";
