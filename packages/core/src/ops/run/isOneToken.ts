import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./opRun.ts";

/** True when a sequence op with a state may run as the one-token kernel op: eagerly, on one position that is not padding. */
export function isOneToken(run: OpRun, x: Tensor, sequenceIds: Tensor | undefined): boolean {
  return run.takesSteps && sequenceIds === undefined && x.shape[1] === 1;
}
