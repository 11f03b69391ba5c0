import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** exp(x) / sum(exp(x)) over the last axis. */
export function softmax(run: OpRun, x: Tensor): Tensor {
  const y = run.kernel.softmax(x);
  return run.result(y, [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.softmaxBackward(dy, y));
  });
}
