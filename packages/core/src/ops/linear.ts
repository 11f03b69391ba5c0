import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x [..., I], weight [O, I], bias [O] -> [..., O]: `y = x · weightᵀ + bias`. */
export function linear(run: OpRun, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return run.result(run.kernel.linear(x, weight, bias), [x, weight, bias], (dy, sink) => {
    sink.add(x, () => sink.kernel.linearBackwardInput(dy, weight));
    sink.add(weight, () => sink.kernel.linearBackwardWeight(dy, x));
    sink.add(bias, () => sink.kernel.sumRows(dy));
  });
}
