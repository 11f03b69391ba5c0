import type { Shape, Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** View of the same elements in another shape. */
export function reshape(run: OpRun, x: Tensor, shape: Shape): Tensor {
  return run.result(run.kernel.reshape(x, shape), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.reshape(dy, x.shape));
  });
}
