import type { Tensor } from "@mamba/kernel";
import { checkOptions, objectWith } from "../checkOptions.ts";
import { elementLoss, type ElementLossOptions } from "./run/elementLoss.ts";
import type { OpRun } from "./run/opRun.ts";

/**
 * x and target of one shape -> [1]: the mean of (x - target)² over all elements. The gradient flows into both.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 * @throws MambaError `OPTIONS`; `TAPE` when the weight depends on a tracked tensor
 */
export function meanSquaredError(
  run: OpRun,
  x: Tensor,
  target: Tensor,
  options: ElementLossOptions = {},
): Tensor {
  checkOptions("meanSquaredError", options, { weight: objectWith("a tensor", "dispose") });
  return elementLoss(run, "meanSquaredError", { kind: "squaredError", x, target, ...options }, -1);
}
