import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { sumLeading } from "./run/sumLeading.ts";

/** a - b; `b` has the shape of `a` or of its last axes. */
export function sub(run: OpRun, a: Tensor, b: Tensor): Tensor {
  return run.result(run.kernel.sub(a, b), [a, b], (dy, sink) => {
    const { kernel } = sink;
    sink.add(b, () => {
      using sum = sumLeading(kernel, dy, b);
      return kernel.scale(sum, -1);
    });
    sink.add(a, () => kernel.reshape(dy, dy.shape));
  });
}
