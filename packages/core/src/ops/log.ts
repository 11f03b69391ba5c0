import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** ln(x) */
export function log(run: OpRun, x: Tensor): Tensor {
  return run.result(run.kernel.log(x), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.div(dy, x));
  });
}
