export type { DispatchTime } from "./commands/profiler.ts";
export { createWebGpuKernel, type WebGpuKernelOptions } from "./create.ts";
export { WebGpuKernel } from "./kernel.ts";
export { type Probe, probes } from "./probes.ts";
export { provider } from "./provider.ts";
export type { WarmUpOptions, WarmUpPart } from "./warmUp.ts";
