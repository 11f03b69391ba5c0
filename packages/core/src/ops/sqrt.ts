import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** sqrt(x). The gradient at 0 is infinite. */
export function sqrt(run: OpRun, x: Tensor): Tensor {
  const y = run.kernel.sqrt(x);
  return run.result(y, [x], (dy, sink) => {
    sink.add(x, () => {
      using quotient = sink.kernel.div(dy, y);
      return sink.kernel.scale(quotient, 0.5);
    });
  });
}
