import { checkSumRows, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { addPartials } from "./addPartials.ts";

export function sumRows(runtime: Runtime, dy: Tensor): Tensor {
  const { rows, features } = checkSumRows(dy);
  const op = "sumRows";
  runtime.checkOpen(op);
  const own = runtime.own(op, "dy", dy);
  const sum = runtime.result(op, [features]);
  addRows(runtime, op, own, rows, features, sum);
  return sum;
}

/** Blocks of threads that fill a large GPU. Fixed, so that the order of a sum does not depend on the device. */
const enough = 528;
/** Rows below which another share does not pay. */
const fewest = 128;

/** Writes the sum of the rows of `x` [rows, width] over `sum` [width]. The order of the additions depends on the sizes alone. */
export function addRows(
  runtime: Runtime,
  op: string,
  x: CudaTensor,
  rows: number,
  width: number,
  sum: CudaTensor,
): void {
  const strips = Math.ceil(width / 32);
  const wanted = Math.max(1, Math.min(Math.ceil(enough / strips), Math.floor(rows / fewest)));
  const share = Math.ceil(rows / wanted);
  const shares = Math.ceil(rows / share);
  const partial = shares > 1 ? runtime.result(op, [shares, width]) : sum;
  runtime.launch(op, "sumRows", [strips, shares], 256, [x, partial, rows, width, x.rowStride, share]);
  if (partial === sum) return;
  addPartials(runtime, op, partial, sum, { count: width, shares });
  partial.dispose();
}
