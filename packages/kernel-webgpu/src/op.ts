import type { AllOps } from "@mamba/kernel";
import type { OpImplementation } from "@mamba/kernel/author";
import type { Runtime } from "./runtime.ts";
import type { WebGpuTensor } from "./tensor.ts";

/** The function of one op in this backend. It gets checked arguments with tensors of this kernel. */
export type Op<K extends keyof AllOps> = OpImplementation<K, Runtime, WebGpuTensor>;
