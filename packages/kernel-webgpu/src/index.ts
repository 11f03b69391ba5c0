export { createWebGpuKernel, type WebGpuKernelOptions } from "./create.ts";
export { WebGpuKernel } from "./kernel.ts";
export { provider } from "./provider.ts";
export type { WarmUpOptions } from "./warm-up.ts";
