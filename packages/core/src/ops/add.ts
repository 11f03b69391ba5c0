import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** a + b, same shape. */
export function add(run: OpRun, a: Tensor, b: Tensor): Tensor {
  return run.result(run.kernel.add(a, b), [a, b], (dy, sink) => {
    sink.add(a, () => sink.kernel.scale(dy, 1)); // a copy: other gradients are added to each of the two
    sink.add(b, () => sink.kernel.reshape(dy, dy.shape));
  });
}
