import type { GeluApproximation, Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x * Phi(x), Phi the distribution function of the normal distribution: exact ("none", the default), or its approximation by "tanh". */
export function gelu(run: OpRun, x: Tensor, approximate: GeluApproximation = "none"): Tensor {
  return run.result(run.kernel.gelu(x, approximate), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.geluBackward(dy, x, approximate));
  });
}
