import type { AllOps } from "@mamba/kernel";
import type { OpImplementation } from "@mamba/kernel/author";
import type { WebGpuTensor } from "./memory/tensor.ts";
import type { Runtime } from "./runtime.ts";

/** The implementation of one op in this backend. */
export type Op<K extends keyof AllOps> = OpImplementation<K, Runtime, WebGpuTensor>;
