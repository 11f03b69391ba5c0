import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** tanh(x) */
export function tanh(run: OpRun, x: Tensor): Tensor {
  const y = run.kernel.tanh(x);
  return run.result(y, [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.tanhBackward(dy, y));
  });
}
