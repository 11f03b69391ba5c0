import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x * factor */
export function scale(run: OpRun, x: Tensor, factor: number): Tensor {
  return run.result(run.kernel.scale(x, factor), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.scale(dy, factor));
  });
}
