import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { sumLeading } from "./run/sumLeading.ts";

/** a / b; `b` has the shape of `a` or of its last axes. */
export function div(run: OpRun, a: Tensor, b: Tensor): Tensor {
  const y = run.kernel.div(a, b);
  return run.result(y, [a, b], (dy, sink) => {
    const { kernel } = sink;
    sink.add(a, () => kernel.div(dy, b));
    sink.add(b, () => {
      using quotients = kernel.div(dy, b);
      using products = kernel.mul(quotients, y); // (a / b)' = -y / b
      using sum = sumLeading(kernel, products, b);
      return kernel.scale(sum, -1);
    });
  });
}
