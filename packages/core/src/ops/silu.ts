import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x * sigmoid(x) */
export function silu(run: OpRun, x: Tensor): Tensor {
  return run.result(run.kernel.silu(x), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.siluBackward(dy, x));
  });
}
