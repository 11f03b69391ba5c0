export { type Ceilings, measureCeilings } from "./ceilings.ts";
export { createCpuKernel, type CpuKernelOptions } from "./create.ts";
export { CpuKernel } from "./kernel.ts";
export { provider, providerWith } from "./provider.ts";
