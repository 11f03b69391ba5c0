import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** -exp(x): the map from `A_log` to `A`. */
export function negExp(run: OpRun, x: Tensor): Tensor {
  const y = run.kernel.negExp(x);
  return run.result(y, [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.mul(dy, y)); // (-e^x)' = -e^x
  });
}
