import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** View of columns [start, start + count) of the last axis. */
export function columns(run: OpRun, x: Tensor, start: number, count: number): Tensor {
  return run.result(run.kernel.columns(x, start, count), [x], (dy, sink) => {
    sink.addColumns(x, dy, start, count);
  });
}
