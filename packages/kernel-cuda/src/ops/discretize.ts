import type { Op } from "../op.ts";

/** Threads per block, one for each weight. */
export const discretizeBlock = 256;

export const discretize: Op<"discretize"> = (runtime, { rows, heads, min, max, shape }, { dt, bias, A }) => {
  const op = "discretize";
  const y = runtime.result(op, shape);
  const sizes = Uint32Array.of(rows, heads, dt.rowStride);
  const blocks = Math.ceil((rows * heads) / discretizeBlock);
  runtime.launch(op, op, blocks, discretizeBlock, [dt, bias, A, y, sizes, min, max]);
  return y;
};
