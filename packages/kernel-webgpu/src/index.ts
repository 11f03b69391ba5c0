export { createWebGpuKernel, type WebGpuKernelOptions } from "./create.ts";
export { WebGpuKernel } from "./kernel.ts";
export { type Probe, probes } from "./probes.ts";
export type { DispatchTime } from "./profiler.ts";
export { provider } from "./provider.ts";
export type { WarmUpOptions } from "./warm-up.ts";
