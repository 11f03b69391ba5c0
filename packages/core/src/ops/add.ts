import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { sumLeading } from "./run/sumLeading.ts";

/** a + b; `b` has the shape of `a` or of its last axes. */
export function add(run: OpRun, a: Tensor, b: Tensor): Tensor {
  return run.result(run.kernel.add(a, b), [a, b], (dy, sink) => {
    sink.add(a, () => sink.kernel.scale(dy, 1)); // a copy: other gradients are added to each of the two
    sink.add(b, () => sumLeading(sink.kernel, dy, b));
  });
}
