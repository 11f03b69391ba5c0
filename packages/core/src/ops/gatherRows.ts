import { elementCount, type Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** Rows `rows` of the first axis, in that order; repeats are allowed. */
export function gatherRows(run: OpRun, x: Tensor, rows: readonly number[]): Tensor {
  return run.result(run.kernel.gatherRows(x, rows), [x], (dy, sink) => {
    sink.add(x, () => {
      const { kernel } = sink;
      const [count = 0] = x.shape;
      using ids = kernel.upload(Int32Array.from(rows), [rows.length], "i32");
      using flat = kernel.reshape(dy, [rows.length, elementCount(x.shape) / count]);
      using dx = kernel.embeddingBackward(flat, ids, count); // equal rows add up
      return kernel.reshape(dx, x.shape);
    });
  });
}
