import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x [B, L, D] with each row reversed along L. */
export function flip(run: OpRun, x: Tensor): Tensor {
  return run.result(run.kernel.flip(x), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.flip(dy));
  });
}
