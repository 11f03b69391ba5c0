import type { Tensor } from "@mamba/kernel";
import { checkOptions, objectWith } from "../checkOptions.ts";
import { elementLoss, type ElementLossOptions } from "./run/elementLoss.ts";
import type { OpRun } from "./run/opRun.ts";

/**
 * Logits x and targets in [0, 1], of one shape -> [1]: the mean of -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) over all
 * elements. No gradient flows into the target.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 * @throws MambaError `OPTIONS`; `TAPE` when the target or the weight depends on a tracked tensor
 */
export function binaryCrossEntropy(
  run: OpRun,
  x: Tensor,
  target: Tensor,
  options: ElementLossOptions = {},
): Tensor {
  checkOptions("binaryCrossEntropy", options, { weight: objectWith("a tensor", "dispose") });
  return elementLoss(run, "binaryCrossEntropy", { kind: "binaryCrossEntropy", x, target, ...options });
}
