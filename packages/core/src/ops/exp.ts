import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** e^x */
export function exp(run: OpRun, x: Tensor): Tensor {
  const y = run.kernel.exp(x);
  return run.result(y, [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.mul(dy, y));
  });
}
