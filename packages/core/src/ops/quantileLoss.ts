import type { Tensor } from "@mamba/kernel";
import { checkOptions, levels as levelsRule, objectWith, type Rules } from "../checkOptions.ts";
import { elementLoss, type ElementLossOptions } from "./run/elementLoss.ts";
import type { OpRun } from "./run/opRun.ts";

export interface QuantileOptions extends ElementLossOptions {
  /** The quantiles that the last axis of x predicts, each in (0, 1). */
  readonly levels: readonly number[];
}

const rules: Rules<QuantileOptions> = { weight: objectWith("a tensor", "dispose"), levels: levelsRule };

/**
 * x [..., Q], target [...] -> [1]: the mean of max(q (t - x), (q - 1)(t - x)) over all targets t and levels q (Koenker &
 * Bassett 1978). No gradient flows into the target.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 * @throws MambaError `OPTIONS`; `TAPE` when the target or the weight depends on a tracked tensor
 */
export function quantileLoss(run: OpRun, x: Tensor, target: Tensor, options: QuantileOptions): Tensor {
  checkOptions("quantileLoss", options, rules);
  const { weight } = options;
  const data = Float32Array.from(options.levels);
  const levels = run.hold(run.kernel.upload(data, [data.length], "f32"));
  return elementLoss(run, "quantileLoss", { kind: "quantile", x, target, weight, levels });
}
