import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** experts i32 [R, K] -> [count]: the fraction of the R·K choices that fell on each expert. No gradient flows into the choice. */
export function expertLoads(run: OpRun, experts: Tensor, count: number): Tensor {
  return run.hold(run.kernel.expertLoads(experts, count));
}
