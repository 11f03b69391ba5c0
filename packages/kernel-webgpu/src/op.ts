import type { AllOps } from "@mamba/kernel";
import type { OpImplementation, Owned } from "@mamba/kernel/author";
import type { WebGpuTensor } from "./memory/tensor.ts";
import type { Runtime } from "./runtime.ts";

/** The implementation of one op in this backend. */
export type Op<K extends keyof AllOps> = OpImplementation<K, Runtime, WebGpuTensor>;

/** An argument record of an op with this backend's tensors in it. */
export type Own<A> = Owned<A, WebGpuTensor>;
