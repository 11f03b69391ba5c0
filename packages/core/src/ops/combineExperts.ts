import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** y [R, K, O], weights [R, K] -> [R, O]: the weighted sum of the experts' outputs. */
export function combineExperts(run: OpRun, y: Tensor, weights: Tensor): Tensor {
  return run.result(run.kernel.combineExperts(y, weights), [y, weights], (dOut, sink) => {
    const args = { y, weights };
    sink.addAll(args, sink.kernel.combineExpertsBackward(dOut, y, weights));
  });
}
