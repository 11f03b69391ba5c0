import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** max(x, 0)² */
export function reluSquared(run: OpRun, x: Tensor): Tensor {
  return run.result(run.kernel.reluSquared(x), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.reluSquaredBackward(dy, x));
  });
}
