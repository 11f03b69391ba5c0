import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** a * b, same shape. */
export function mul(run: OpRun, a: Tensor, b: Tensor): Tensor {
  return run.result(run.kernel.mul(a, b), [a, b], (dy, sink) => {
    sink.add(a, () => sink.kernel.mul(dy, b));
    sink.add(b, () => sink.kernel.mul(dy, a));
  });
}
