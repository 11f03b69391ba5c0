import type { AllOps } from "@mamba/kernel";
import type { OpImplementation, Owned } from "@mamba/kernel/author";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/** Implementation of one op on CUDA. */
export type Op<K extends keyof AllOps> = OpImplementation<K, Runtime, CudaTensor>;

/** An argument record of an op with this backend's tensors in it. */
export type Own<A> = Owned<A, CudaTensor>;
