import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** 1 / (1 + exp(-x)) */
export function sigmoid(run: OpRun, x: Tensor): Tensor {
  const y = run.kernel.sigmoid(x);
  return run.result(y, [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.sigmoidBackward(dy, y));
  });
}
