import type { Tensor } from "@mamba/kernel";
import { checkOptions, number, objectWith, type Rules } from "../checkOptions.ts";
import type { OpRun } from "./run/opRun.ts";

export interface LayerNormOptions {
  /** [D]; default: 1 for each column. */
  readonly weight?: Tensor | undefined;
  /** [D]; default: none. */
  readonly bias?: Tensor | undefined;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number | undefined;
}

const rules: Rules<LayerNormOptions> = {
  weight: objectWith("a tensor [D]", "dispose"),
  bias: objectWith("a tensor [D]", "dispose"),
  eps: number("a number >= 0", (value) => value >= 0 && value < Infinity),
};

/**
 * x [..., D] -> `(x - mean) / sqrt(variance + eps) * weight + bias` over the last axis (Ba et al. 2016).
 *
 * @throws MambaError `OPTIONS`
 */
export function layerNorm(run: OpRun, x: Tensor, options: LayerNormOptions = {}): Tensor {
  checkOptions("layerNorm", options, rules);
  const { weight, bias, eps = 1e-5 } = options;
  return run.result(run.kernel.layerNorm(x, weight, bias, eps), [x, weight, bias], (dy, sink) => {
    const { dx, dWeight, dBias } = sink.kernel.layerNormBackward(dy, x, weight, bias, eps);
    sink.addAll({ x, weight, bias }, { x: dx, weight: dWeight, bias: dBias });
  });
}
