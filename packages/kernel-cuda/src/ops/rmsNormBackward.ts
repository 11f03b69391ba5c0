import { checkRmsNormBackward, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { addRows } from "./sumRows.ts";

/** Threads of a block of rmsNormBackwardWeight. */
const strip = 128;
/** Rows that a thread of it adds up. */
const span = 64;

export function rmsNormBackward(
  runtime: Runtime,
  dy: Tensor,
  x: Tensor,
  weight: Tensor | undefined,
  eps: number,
): { dx: Tensor; dWeight?: Tensor } {
  const { rows, features } = checkRmsNormBackward(dy, x, weight, eps);
  const op = "rmsNormBackward";
  runtime.checkOpen(op);
  const upstream = runtime.own(op, "dy", dy);
  const own = runtime.own(op, "x", x);
  const gain = runtime.ownIf(op, "weight", weight);
  const dx = runtime.result(op, x.shape);
  const scales = gain && runtime.result(op, [rows]);
  const strides = [upstream.rowStride, own.rowStride];
  const block = Math.min(512, Math.ceil(features / 128) * 32);
  const args = [upstream, own, gain, dx, scales, features, ...strides, eps];
  runtime.launch(op, "rmsNormBackward", rows, block, args);
  if (!scales) return { dx };
  const dWeight = runtime.result(op, [features]);
  const shares = Math.ceil(rows / span);
  const sums = runtime.result(op, [shares, features]);
  const blocks = shares * Math.ceil(features / strip);
  const weightArgs = [upstream, own, scales, sums, rows, features, ...strides, span];
  runtime.launch(op, "rmsNormBackwardWeight", blocks, strip, weightArgs);
  addRows(runtime, op, sums, shares, features, dWeight);
  sums.dispose();
  scales.dispose();
  return { dx, dWeight };
}
