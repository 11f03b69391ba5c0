import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { sumLeading } from "./run/sumLeading.ts";

/** a * b; `b` has the shape of `a` or of its last axes. */
export function mul(run: OpRun, a: Tensor, b: Tensor): Tensor {
  return run.result(run.kernel.mul(a, b), [a, b], (dy, sink) => {
    sink.add(a, () => sink.kernel.mul(dy, b));
    sink.add(b, () => {
      using products = sink.kernel.mul(dy, a);
      return sumLeading(sink.kernel, products, b);
    });
  });
}
