import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { trainingKernel } from "./run/trainingKernel.ts";

/**
 * experts i32 [R, K] -> [count]: the fraction of the R·K choices that fell on each expert. No gradient flows into the choice.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 */
export function expertLoads(run: OpRun, experts: Tensor, count: number): Tensor {
  return run.hold(trainingKernel("expertLoads", run.kernel).expertLoads(experts, count));
}
