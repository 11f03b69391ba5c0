import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x [..., D], weight [D] -> `y = x / sqrt(mean(x²) + eps) * weight` over the last axis; without a weight, 1 stands for it. */
export function rmsNorm(run: OpRun, x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  return run.result(run.kernel.rmsNorm(x, weight, eps), [x, weight], (dy, sink) => {
    const { dx, dWeight } = sink.kernel.rmsNormBackward(dy, x, weight, eps);
    sink.addAll({ x, weight }, { x: dx, weight: dWeight });
  });
}
