import type { AllOps } from "@mamba/kernel";
import type { OpImplementation, Owned } from "@mamba/kernel/author";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** The CPU backend's implementation of one op. */
export type Op<K extends keyof AllOps> = OpImplementation<K, Runtime, CpuTensor>;

/** An argument record of an op with this backend's tensors in it. */
export type Own<A> = Owned<A, CpuTensor>;
