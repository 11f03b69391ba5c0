import type { Tensor } from "@mamba/kernel";
import { checkOptions, number, objectWith, type Rules } from "../checkOptions.ts";
import { elementLoss, type ElementLossOptions } from "./run/elementLoss.ts";
import type { OpRun } from "./run/opRun.ts";

export interface HuberOptions extends ElementLossOptions {
  /** The error at which the loss turns from a square into a line. Default 1. */
  readonly delta?: number | undefined;
}

const rules: Rules<HuberOptions> = {
  weight: objectWith("a tensor", "dispose"),
  delta: number("a number > 0", (value) => value > 0 && value < Infinity),
};

/**
 * x and target of one shape -> [1]: the mean of d² / 2 where |d| <= delta and of delta (|d| - delta / 2) elsewhere, with
 * d = x - target (Huber 1964). The gradient flows into both.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 * @throws MambaError `OPTIONS`; `TAPE` when the weight depends on a tracked tensor
 */
export function huber(run: OpRun, x: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  checkOptions("huber", options, rules);
  const { delta = 1, weight } = options;
  return elementLoss(run, "huber", { kind: "huber", x, target, weight, delta }, -1);
}
