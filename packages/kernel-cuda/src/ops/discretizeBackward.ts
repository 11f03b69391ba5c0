import type { Op } from "../op.ts";
import { discretizeBlock } from "./discretize.ts";
import { addRows } from "./sumRows.ts";

export const discretizeBackward: Op<"discretizeBackward"> = (runtime, sizes, dy, { dt, bias, A }) => {
  const op = "discretizeBackward";
  const { rows, heads, min, max } = sizes;
  const grads = {
    ...{ dt: runtime.result(op, dt.shape), A: runtime.result(op, [heads]) },
    ...(bias && { bias: runtime.result(op, [heads]) }),
  };
  const products = runtime.result(op, [rows, heads]);
  const words = Uint32Array.of(rows, heads, dt.rowStride);
  const args = [dy, dt, bias, A, grads.dt, products, words, dy.rowStride, min, max];
  runtime.launch(op, op, Math.ceil((rows * heads) / discretizeBlock), discretizeBlock, args);
  addRows(runtime, op, products, rows, heads, grads.A);
  if (grads.bias) addRows(runtime, op, grads.dt, rows, heads, grads.bias);
  products.dispose();
  return grads;
};
