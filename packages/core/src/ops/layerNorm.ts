import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

export interface LayerNormOptions {
  /** [D]; default: 1 for each column. */
  readonly weight?: Tensor | undefined;
  /** [D]; default: none. */
  readonly bias?: Tensor | undefined;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number | undefined;
}

/** x [..., D] -> `(x - mean) / sqrt(variance + eps) * weight + bias` over the last axis. */
export function layerNorm(run: OpRun, x: Tensor, options: LayerNormOptions = {}): Tensor {
  const { weight, bias, eps = 1e-5 } = options;
  return run.result(run.kernel.layerNorm(x, weight, bias, eps), [x, weight, bias], (dy, sink) => {
    const { dx, dWeight, dBias } = sink.kernel.layerNormBackward(dy, x, weight, bias, eps);
    sink.addAll({ x, weight, bias }, { x: dx, weight: dWeight, bias: dBias });
  });
}
