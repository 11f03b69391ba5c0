import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./opRun.ts";

/** True when a sequence op with a state may run as the one-token kernel op: eagerly, on one position that is not padding. */
export function isOneToken(run: OpRun, x: Tensor, sequenceIds: Tensor | undefined): boolean {
  return run.takesSteps && sequenceIds === undefined && x.shape[1] === 1;
}

/** View of x [B, 1, D] as [B, D], freed with the results of the ops. */
export function oneToken(run: OpRun, x: Tensor): Tensor {
  const { shape } = x;
  return run.hold(run.kernel.reshape(x, [shape[0] ?? 0, shape[2] ?? 0]));
}
