import type { Op } from "../op.ts";
import { addRows } from "./sumRows.ts";

export const gatedRmsNormBackward: Op<"gatedRmsNormBackward"> = (runtime, sizes, dy, args) => {
  const op = "gatedRmsNormBackward";
  const { rows, features, groups } = sizes;
  const { x, z, weight, eps, normBeforeGate = false } = args;
  const dx = runtime.result(op, x.shape);
  const dz = runtime.result(op, x.shape);
  const dWeight = runtime.result(op, [features]);
  const terms = runtime.temporary(op, rows * features * 4);
  try {
    const strides = { dyStride: dy.rowStride, xStride: x.rowStride, zStride: z.rowStride };
    const record = {
      dy,
      x,
      z,
      weight,
      dx,
      dz,
      terms,
      rows,
      features,
      groups,
      eps,
      normBeforeGate,
      ...strides,
    };
    runtime.run(op, record, 5 * rows * features);
    addRows(runtime, terms, dWeight, rows, features, features);
  } finally {
    runtime.heap.free(terms);
  }
  return { x: dx, z: dz, weight: dWeight };
};
