import type { Kernel, Tensor } from "@mamba/kernel";
import type { OpRun } from "./opRun.ts";

/** True when a sequence op with a state may run as the one-token kernel op: eagerly, on one position, without padding. */
export function isOneToken(
  run: OpRun,
  { x, u, range }: { readonly x?: Tensor; readonly u?: Tensor; readonly range?: Tensor | undefined },
): boolean {
  return run.takesSteps && range === undefined && (x ?? u)?.shape[1] === 1;
}

/** View of x [B, 1, D] as [B, D]. */
export function oneToken(kernel: Kernel, x: Tensor): Tensor {
  const [batch = 0, , width = 0] = x.shape;
  return kernel.reshape(x, [batch, width]);
}
